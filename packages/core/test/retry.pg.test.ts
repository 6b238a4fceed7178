import { DeadlockError } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import type { NotesTransaction } from './support/backend.js'
import { barrier } from './support/barrier.js'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'

const on = useNotes()

/** Reads a note in a snapshot, lets `meanwhile` change it from outside, then changes it: 40001 if it was changed. */
async function readThenWrite(tx: NotesTransaction, meanwhile: () => Promise<unknown>): Promise<void> {
  await tx.sql`set transaction isolation level repeatable read`
  await tx.sql`select body from rillflow.notes where id = 'a'`
  await meanwhile()
  await tx.sql`update rillflow.notes set body = body || '+mine' where id = 'a'`
}

const changeOutside = (): Promise<unknown> =>
  on.database.query(`update rillflow.notes set body = body || '+theirs' where id = 'a'`)

describe('a serialization failure', () => {
  test('runs the callback again, and only the last attempt counts', async () => {
    const store = on.store()
    await store.notes.add('a', '0')
    let attempts = 0
    const told: number[] = []
    await store.transaction(async (tx) => {
      attempts += 1
      const attempt = attempts
      tx.notes.onCommit(() => told.push(attempt))
      await tx.notes.add(`attempt-${attempt}`, 'x')
      await Promise.resolve()
    })
    attempts = 0
    told.length = 0
    await store.transaction(async (tx) => {
      attempts += 1
      const attempt = attempts
      tx.notes.onCommit(() => told.push(attempt))
      await readThenWrite(tx, attempt < 3 ? changeOutside : async () => Promise.resolve())
      await tx.notes.add(`race-${attempt}`, 'x')
    })

    expect(told).toEqual([3])
    expect(await on.ids()).toEqual(['a', 'attempt-1', 'race-3'])
    expect((await store.notes.all())[0]?.body).toBe('0+theirs+theirs+mine')
  })

  test.each([
    [undefined, 5],
    [2, 2],
    [1, 1],
  ])('with retry.attempts %s is tried %i times, then comes out typed', async (attempts, calls) => {
    const store = on.store({ retry: { attempts } })
    await store.notes.add('a', '0')
    let called = 0
    const thrown = store.transaction(async (tx) => {
      called += 1
      await readThenWrite(tx, changeOutside)
    })

    expect(await rejectionOf(thrown)).toMatchObject({
      code: 'SerializationFailure',
      retryable: true,
      cause: { code: '40001' },
    })
    expect(called).toBe(calls)
    expect((await store.notes.all())[0]?.body).toBe(`0${'+theirs'.repeat(calls)}`)
    await on.expectNoneInTransaction()
  })

  test('at COMMIT is run again too', async () => {
    await on.database.query(`insert into rillflow.notes values ('x', '0'), ('y', '0')`)
    const store = on.store()
    const bothRead = barrier(2)
    let attempts = 0
    // Each reads what the other writes: the server lets one of them through, and tells the other at its end.
    const skewed = (mine: string, other: string): Promise<void> =>
      store.transaction(async (tx) => {
        attempts += 1
        await tx.sql`set transaction isolation level serializable`
        await tx.sql`select body from rillflow.notes where id = ${other}`
        await bothRead()
        await tx.sql`update rillflow.notes set body = 'done' where id = ${mine}`
      })
    await Promise.all([skewed('x', 'y'), skewed('y', 'x')])

    expect(attempts).toBe(3)
    expect((await store.notes.all()).map(({ body }) => body)).toEqual(['done', 'done'])
  })
})

test('a real deadlock of two transactions ends with both of them stored', async () => {
  await on.database.query(`insert into rillflow.notes values ('x', ''), ('y', '')`)
  const store = on.store()
  const bothHoldOne = barrier(2)
  let attempts = 0
  let ended: Promise<unknown> = Promise.resolve()
  const crossing = (who: string, first: string, second: string): Promise<void> =>
    store.transaction(async (tx) => {
      attempts += 1
      // The loser comes back when the winner is done: before that it might take the row once more, and lose again.
      if (attempts > 2) await ended
      await tx.sql`update rillflow.notes set body = body || ${who}::text where id = ${first}`
      await bothHoldOne()
      await tx.sql`update rillflow.notes set body = body || ${who}::text where id = ${second}`
    })
  const both = [crossing('1', 'x', 'y'), crossing('2', 'y', 'x')]
  ended = Promise.race(both)
  await Promise.all(both)

  expect(attempts).toBe(3)
  for (const { body } of await store.notes.all()) expect(['12', '21']).toContain(body)
  await on.expectNoneInTransaction()
})

describe('not run again', () => {
  test.each([
    ["the caller's own error", new Error('own')],
    ['an error that wraps a race', new Error('wrapped', { cause: new DeadlockError('x', undefined) })],
    ['a driver error of another connection', Object.assign(new Error('x'), { code: '40001' })],
  ])('%s', async (_, error) => {
    let calls = 0
    const thrown = on.store().transaction(async (tx) => {
      calls += 1
      await tx.notes.add('a', '1')
      throw error
    })

    expect(await rejectionOf(thrown)).toBe(error)
    expect(calls).toBe(1)
    expect(await on.ids()).toEqual([])
  })

  test('a race that the callback swallowed: it is told, as TransactionAborted', async () => {
    const store = on.store()
    await store.notes.add('a', '0')
    let calls = 0
    const thrown = store.transaction(async (tx) => {
      calls += 1
      await readThenWrite(tx, changeOutside).catch(() => undefined)
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted', cause: { cause: { code: '40001' } } })
    expect(calls).toBe(1)
  })
})
