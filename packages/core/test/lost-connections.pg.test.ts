import type { EventEmitter } from 'node:events'
import { isRillflowError } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { backendOf } from './support/backend.js'
import { startCommitCutter } from './support/commit-cutter.js'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'

// None of the pools and clients here has an error listener of its own: an error event that nobody takes fails the run.
const on = useNotes()

type Store = ReturnType<typeof on.store>

/** Ends a backend from outside, and waits until it is gone. */
async function terminate(pid: number): Promise<void> {
  await on.database.query('select pg_terminate_backend($1)', [pid])
  await on.untilGone(pid)
}

/** The pool serves as many calls at once as it is large, on connections that are not the lost one. */
async function expectWhole(store: Store, lost: number): Promise<void> {
  const calls = Array.from({ length: 6 }, () => store.transaction(backendOf))
  for (const pid of await Promise.all(calls)) expect(pid).not.toBe(lost)
  await on.expectNoneInTransaction()
}

describe('a connection that the server ends', () => {
  test('while it is idle: logged, at most one typed error for it, and the pool is whole again', async () => {
    const warnings: string[] = []
    const nothing = (): void => undefined
    const warn = (_: object, message: string): void => void warnings.push(message)
    const logger = { debug: nothing, info: nothing, warn, error: nothing }
    const pool = on.pool()
    const store = on.store({ connection: { pool }, logger })
    const pid = await store.transaction(backendOf)
    const lost = nextEvent(pool, 'remove')
    await terminate(pid)
    await lost

    await expectWhole(store, pid)
    expect(warnings).toEqual(['an idle connection was lost'])
  })

  test('while it is idle and nobody has noticed yet: ConnectionLost, and nothing else', async () => {
    const store = on.store({ connection: { url: on.database.url, maxConnections: 1 } })
    const pid = await store.transaction(backendOf)
    await terminate(pid)
    // Each lost connection costs one call at most; the news may also have come in time.
    const first = await store.notes.all().catch((error: unknown) => error)

    if (first instanceof Error) expect(isRillflowError(first, 'ConnectionLost')).toBe(true)
    await expectWhole(store, pid)
  })

  test('under a single statement: ConnectionLost', async () => {
    const store = on.store({ connection: { pool: on.pool() } })
    const thrown = store.notes.run('select pg_terminate_backend(pg_backend_pid())::text')

    expect(await rejectionOf(thrown)).toMatchObject({
      code: 'ConnectionLost',
      retryable: false,
      sent: { backendPid: expect.any(Number) },
    })
    await expectWhole(store, 0)
  })

  test('under a statement of a transaction: ConnectionLost, and nothing is stored', async () => {
    const store = on.store({ connection: { pool: on.pool() } })
    let pid = 0
    const thrown = store.transaction(async (tx) => {
      pid = await backendOf(tx)
      await tx.notes.add('a', '1')
      await tx.sql`select pg_terminate_backend(pg_backend_pid())`
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'ConnectionLost' })
    expect(await on.ids()).toEqual([])
    await expectWhole(store, pid)
  })

  test('between two statements of a transaction: the second one is ConnectionLost', async () => {
    const store = on.store({ connection: { pool: on.pool() } })
    let pid = 0
    const thrown = store.transaction(async (tx) => {
      pid = await backendOf(tx)
      await tx.notes.add('a', '1')
      await terminate(pid)
      await tx.notes.add('b', '2')
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'ConnectionLost' })
    expect(await on.ids()).toEqual([])
    await expectWhole(store, pid)
  })

  test('after the last statement: COMMIT was never sent, so the outcome is known', async () => {
    const pool = on.pool()
    const store = on.store({ connection: { pool } })
    let pid = 0
    let ended: Promise<void> | undefined
    pool.once('acquire', (client) => {
      ended = nextEvent(client, 'end')
    })
    const thrown = store.transaction(async (tx) => {
      pid = await backendOf(tx)
      await tx.notes.add('a', '1')
      await terminate(pid)
      await ended
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'ConnectionLost' })
    expect(await on.ids()).toEqual([])
    await expectWhole(store, pid)
  })

  test("while the callback throws: the callback's own error comes out", async () => {
    const store = on.store({ connection: { pool: on.pool() } })
    const error = new Error('own')
    let pid = 0
    const thrown = store.transaction(async (tx) => {
      pid = await backendOf(tx)
      await terminate(pid)
      throw error
    })

    expect(await rejectionOf(thrown)).toBe(error)
    await expectWhole(store, pid)
  })

  test("under a transaction that joined the caller's client: ConnectionLost", async () => {
    const client = await on.client()
    const store = on.store()
    await client.query('begin')
    const thrown = store.transaction({ client }, async (tx) => {
      await tx.sql`select pg_terminate_backend(pg_backend_pid())`
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'ConnectionLost' })
    expect(client.listenerCount('error')).toBe(0)
  })

  test("of a store on the caller's client: this call and every later one is ConnectionLost", async () => {
    const client = await on.client()
    const store = on.store({ connection: { client } })
    await rejectionOf(store.notes.run('select pg_terminate_backend(pg_backend_pid())::text'))

    expect(await rejectionOf(store.notes.all())).toMatchObject({ code: 'ConnectionLost' })
    expect(await rejectionOf(store.transaction((tx) => tx.notes.all()))).toMatchObject({ code: 'ConnectionLost' })
  })
})

test('a server that is not there is ConnectionLost, and nothing of the URL is in the message', async () => {
  const url = new URL(on.database.url)
  url.port = '1'
  url.password = 'canary'
  const store = on.store({ connection: url.href })

  for (const call of [store.notes.all(), store.transaction((tx) => tx.notes.all())]) {
    const error = await rejectionOf(call)
    expect(error).toMatchObject({ code: 'ConnectionLost', retryable: true, sent: undefined })
    expect((error as Error).message).not.toContain('canary')
  }
})

describe('a COMMIT whose answer never comes', () => {
  test.each([
    { where: 'reply', stored: ['a'] },
    { where: 'before', stored: [] },
  ] as const)('cut at $where is CommitOutcomeUnknown, and is not run again', async ({ where, stored }) => {
    await using cutter = await startCommitCutter(on.database.url)
    const store = on.store({ connection: { url: cutter.url, maxConnections: 1 } })
    let calls = 0
    let told = 0
    cutter.arm(where)
    const thrown = store.transaction(async (tx) => {
      calls += 1
      tx.notes.onCommit(() => (told += 1))
      await tx.notes.add('a', '1')
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'CommitOutcomeUnknown', retryable: false })
    expect([calls, told]).toEqual([1, 0])
    await on.expectNoneInTransaction()
    expect(await on.ids()).toEqual(stored)
    await store.close()
  })

  test('keeps the work of a session staged, for its caller to look and decide', async () => {
    await using cutter = await startCommitCutter(on.database.url)
    const store = on.store({ connection: { url: cutter.url, maxConnections: 1 } })
    const session = store.session()
    session.notes.add('a', '1')
    cutter.arm('reply')

    expect(await rejectionOf(session.saveChanges())).toMatchObject({ code: 'CommitOutcomeUnknown' })
    expect(session.pending).toBe(1)
    await store.close()
  })
})

/** Waits for an event; `once` of Node would listen for errors too, and hide that nobody else does. */
function nextEvent(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => void emitter.once(event, () => resolve()))
}
