import { expect, test } from 'vitest'
import { copyIn } from './copy-in.js'
import type { ClientLike } from './pool-like.js'

interface Submitted {
  callback?: (error: unknown) => void
  handleCommandComplete(message: { readonly text: string }): void
  handleReadyForQuery(): void
  handleError(error: unknown): void
}

/** A client that answers at once, and has put its own clock's end on the copy, as the driver does with a time-out. */
function clientThat(answers: (copy: Submitted) => void, told: unknown[]): ClientLike {
  const query = (copy: Submitted): void => {
    copy.callback = (error) => void told.push(error)
    answers(copy)
  }
  return { query } as unknown as ClientLike
}

test('the driver hears of the end once, so that it stops its own clock', async () => {
  const told: unknown[] = []
  const ending = clientThat((copy) => {
    copy.handleCommandComplete({ text: 'COPY 7' })
    copy.handleReadyForQuery()
  }, told)
  expect(await copyIn(ending, 'copy t from stdin', [])).toBe(7)
  const error = new Error('refused')
  const refusing = clientThat((copy) => {
    copy.handleError(error)
    copy.handleReadyForQuery()
  }, told)
  await expect(copyIn(refusing, 'copy t from stdin', [])).rejects.toBe(error)
  expect(told).toEqual([undefined, error])
})
