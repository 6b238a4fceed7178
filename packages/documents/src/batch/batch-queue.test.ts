import { getEventListeners } from 'node:events'
import { isRillflowError } from '@rillflow/core'
import { beforeEach, expect, test } from 'vitest'
import { BatchQueue, maxWaiting } from './batch-queue.js'

interface Sent {
  readonly items: readonly string[]
  land(): void
}

let sent: Sent[]
let queue: BatchQueue<string, string>

/** Sends nothing anywhere: each statement is out until the test lets it land. */
async function send(items: readonly string[]): Promise<readonly string[]> {
  await new Promise<void>((land) => void sent.push({ items, land }))
  return items.map((item) => `${item} done`)
}

beforeEach(() => {
  sent = []
  queue = new BatchQueue<string, string>({
    calls: 'writes',
    describe: (id) => ({ operation: 'put', collection: 'c', id }),
    addressOf: (item) => item,
    maxItems: 1_000,
    sendOne: async (item) => (await send([item]))[0] as string,
    sendMany: send,
    isUndone: () => false,
  })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const submit = (item: string, signal?: AbortSignal): Promise<string> =>
  queue.submit(item, signal).catch((error: unknown) => (isRillflowError(error) ? error.code : String(error)))

/** Lets everything that is out land, until nothing is. */
async function landAll(): Promise<void> {
  for (let at = 0; at < sent.length; at += 1) {
    sent[at]?.land()
    await turn()
    await turn()
  }
}

test('one more than the queue takes is refused, and the others are not', async () => {
  const out = submit('out')
  await turn()
  const waiting = Array.from({ length: maxWaiting }, (_, at) => submit(`w-${at}`))
  await expect(queue.submit('late', undefined)).rejects.toMatchObject({ code: 'Overloaded', retryable: true })
  const refused = queue.submit('late', undefined).catch((error: unknown) => (error as Error).message)
  expect(await refused).toMatch(/^10000 writes are waiting already/)
  await landAll()
  expect(await out).toBe('out done')
  expect((await Promise.all(waiting)).filter((outcome) => !outcome.endsWith('done'))).toEqual([])
  // There is room again.
  const again = submit('again')
  await turn()
  await landAll()
  expect(await again).toBe('again done')
})

test('a signal withdraws what waits, and not what has left', async () => {
  const [late, early] = [new AbortController(), new AbortController()]
  const out = submit('out', late.signal)
  await turn()
  const waiting = submit('waiting', early.signal)
  const after = submit('after')
  late.abort()
  early.abort()
  expect(await waiting).toBe('Aborted')
  await landAll()
  expect(await out).toBe('out done')
  expect(await after).toBe('after done')
  expect(sent.map(({ items }) => items)).toEqual([['out'], ['after']])
})

test('an aborted signal queues nothing, and its reason is the cause', async () => {
  const reason = new Error('changed my mind')
  const aborted = queue.submit('a', AbortSignal.abort(reason))
  await expect(aborted).rejects.toMatchObject({ code: 'Aborted', collection: 'c', id: 'a', cause: reason })
  await expect(aborted).rejects.toThrow('The put of document "a" of "c" was aborted before it was sent')
  await turn()
  expect(sent).toEqual([])
})

test('one that waited for a withdrawn one of its address is not held up by it', async () => {
  const controller = new AbortController()
  const out = submit('same')
  await turn()
  const withdrawn = submit('same', controller.signal)
  const next = submit('same')
  controller.abort()
  await landAll()
  expect(await Promise.all([out, withdrawn, next])).toEqual(['same done', 'Aborted', 'same done'])
})

test('a signal that lives long keeps no listener, however its call ended', async () => {
  const { signal } = new AbortController()
  const ends = ['a', 'b', 'c'].map((item) => submit(item, signal))
  expect(getEventListeners(signal, 'abort')).toHaveLength(3)
  await turn()
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await landAll()
  await Promise.all(ends)
})
