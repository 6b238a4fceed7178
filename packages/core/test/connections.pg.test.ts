import { createStore, internalsOf } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { backendOf } from './support/backend.js'
import { gate } from './support/barrier.js'
import { notes } from './support/notes.js'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'
import { watchPool } from './support/watched-client.js'

const on = useNotes()

const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `n-${index + 100}`)

describe('a store on a URL', () => {
  test('names itself to the server, and opens no more connections than it may', async () => {
    const connection = { url: on.database.url, maxConnections: 2, applicationName: 'the-tests' }
    const store = on.store({ connection })
    await Promise.all(ids(20).map((id) => store.notes.add(id, id)))
    const { rows } = await on.database.query<{ count: string }>(
      `select count(*) as count from pg_stat_activity where application_name = 'the-tests'`,
    )

    expect(rows).toEqual([{ count: '2' }])
  })

  test.each([1, 2])('serves many concurrent calls of every kind with %i connections', async (maxConnections) => {
    const store = on.store({ connection: { url: on.database.url, maxConnections } })
    const calls = ids(30).map(async (id, index) => {
      if (index % 3 === 0) return store.notes.add(id, id)
      if (index % 3 === 1) return store.transaction((tx) => tx.notes.add(id, id))
      const session = store.session()
      session.notes.add(id, id)
      return session.saveChanges()
    })
    await Promise.all(calls)

    expect(await on.ids()).toEqual(ids(30))
  })

  test('prepares its statements under a name, unless told not to', async () => {
    const prepared = async (prepare: boolean): Promise<readonly unknown[]> => {
      const store = on.store({ connection: { url: on.database.url, maxConnections: 1, prepare } })
      await store.notes.all()
      return store.notes.run(`select name from pg_prepared_statements where name like 'rf\\_%'`)
    }

    expect(await prepared(true)).toEqual([[expect.stringMatching(/^rf_note_all_[0-9a-f]{16}$/)]])
    expect(await prepared(false)).toEqual([])
  })

  test('sees PoolTimeout when a call waits for the connection that its own caller holds, and goes on after it', async () => {
    const store = on.store({ connection: { url: on.database.url, maxConnections: 1, connectTimeout: 1_000 } })
    const thrown = store.transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await store.notes.add('b', '2')
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'PoolTimeout', retryable: true })
    expect(await on.ids()).toEqual([])
    await store.notes.add('c', '3')
    expect(await on.ids()).toEqual(['c'])
    await on.expectNoneInTransaction()
  })
})

describe("a store on the caller's pool", () => {
  test('works, and leaves the pool open and without a listener of its own when it is closed', async () => {
    const pool = on.pool()
    const before = pool.listenerCount('error')
    const store = on.store({ connection: { pool } })
    await store.transaction((tx) => tx.notes.add('a', '1'))
    await store.notes.add('b', '2')
    await store.close()

    expect(await on.ids()).toEqual(['a', 'b'])
    expect(pool.listenerCount('error')).toBe(before)
    expect(pool.ended).toBe(false)
    const client = await pool.connect()
    expect(client.listenerCount('error')).toBe(0)
    client.release()
  })

  test('gives every connection back, whatever ended the call', async () => {
    const pool = on.pool({ max: 1 })
    const store = on.store({ connection: { pool } })
    await store.notes.add('a', '1')
    await rejectionOf(store.notes.add('a', '1'))
    await rejectionOf(store.notes.run('syntax error'))
    await rejectionOf(store.transaction(async () => Promise.reject(new Error('stop'))))
    await rejectionOf(store.transaction((tx) => tx.notes.add('a', '1')))
    await rejectionOf(
      store.transaction(async (tx) => {
        await tx.notes.add('a', '1').catch(() => undefined)
      }),
    )

    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0])
    await on.expectNoneInTransaction()
  })

  test('works when the pool pipelines, also where a statement in the middle fails', async () => {
    const pool = on.pool({ max: 1, pipeline: true })
    const store = on.store({ connection: { pool } })
    await store.transaction((tx) => Promise.all(ids(10).map((id) => tx.notes.add(id, id))))
    const thrown = store.transaction((tx) => Promise.all(['x', 'n-100', 'y'].map((id) => tx.notes.add(id, id))))

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'UniqueViolation' })
    expect(await on.ids()).toEqual(ids(10))
    await on.expectNoneInTransaction()
  })

  test('throws a connection away whose ROLLBACK failed', async () => {
    let broken = true
    const pool = on.pool({ max: 1 })
    const watched = watchPool(pool, (config) => {
      if (!broken || config.text !== 'rollback') return config
      broken = false
      return { text: 'rollback to savepoint nowhere' }
    })
    const store = on.store({ connection: { pool: watched } })
    const error = new Error('stop')
    let pid = 0
    const thrown = store.transaction(async (tx) => {
      await tx.notes.add('a', '1')
      pid = await backendOf(tx)
      throw error
    })

    expect(await rejectionOf(thrown)).toBe(error)
    expect(await store.transaction(backendOf)).not.toBe(pid)
    await on.untilGone(pid)
    expect(await on.ids()).toEqual([])
  })
})

describe("a store on the caller's client", () => {
  test('takes turns: concurrent transactions and statements do not mix', async () => {
    const client = await on.client()
    const store = on.store({ connection: { client } })
    const { promise: opened, open } = gate()
    const failing = store.transaction(async (tx) => {
      await tx.notes.add('rolled-back', '1')
      open()
      // Time for the others to get in between, if anything let them.
      await tx.sql`select pg_sleep(0.02)`
      throw new Error('stop')
    })
    await opened
    await Promise.all([
      rejectionOf(failing),
      store.notes.add('statement', '2'),
      store.transaction((tx) => tx.notes.add('transaction', '3')),
    ])

    expect(await on.ids()).toEqual(['statement', 'transaction'])
  })

  test('leaves the client open and without a listener of its own', async () => {
    const client = await on.client()
    const store = on.store({ connection: { client } })
    expect(client.listenerCount('error')).toBe(1)
    await store.notes.add('a', '1')
    await store.close()

    expect(client.listenerCount('error')).toBe(0)
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('tells when the caller has broken the transaction behind its back', async () => {
    const client = await on.client()
    const thrown = on.store({ connection: { client } }).transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await rejectionOf(client.query('select 1 / 0'))
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted' })
    expect(await on.ids()).toEqual([])
  })

  test('cleans the client before it is lent again, when a ROLLBACK failed', async () => {
    const client = await on.client()
    let broken = true
    const store = on.store({
      connection: {
        client: {
          query: (config) => {
            if (!broken || config.text !== 'rollback') return client.query(config as { text: string })
            broken = false
            return client.query('rollback to savepoint nowhere')
          },
        },
      },
    })
    await rejectionOf(
      store.transaction(async (tx) => {
        await tx.notes.add('lost', '1')
        throw new Error('stop')
      }),
    )
    await store.notes.add('kept', '2')

    expect(await on.ids()).toEqual(['kept'])
    await on.expectNoneInTransaction()
  })
})

describe('a connection outside the pool', () => {
  test.each(['url', 'pool'] as const)('is made where a %s is known, and is for its owner to end', async (kind) => {
    const store = on.store({ connection: await connectionOf(kind) })
    const { connection } = internalsOf(store)
    expect(connection.canDedicate).toBe(true)
    const client = await connection.dedicate()
    const { rows } = await client.query({ text: 'select current_database() as name' })
    await client.end()

    expect(rows).toEqual([{ name: on.database.name }])
    await store.close()
    expect(await rejectionOf(connection.dedicate())).toMatchObject({ code: 'InvalidState' })
  })

  test('cannot be made from a client', async () => {
    const { connection } = internalsOf(on.store({ connection: await connectionOf('client') }))

    expect(connection.canDedicate).toBe(false)
    expect(await rejectionOf(connection.dedicate())).toMatchObject({ code: 'InvalidState' })
  })
})

describe('close', () => {
  test('is idempotent, and closes each module once', async () => {
    let closed = 0
    const onClose = async (): Promise<void> => Promise.resolve(void (closed += 1))
    const store = createStore({ connection: on.database.url, modules: { notes: notes({ onClose }) } })
    await store.notes.all()
    await Promise.all([store.close(), store.close()])
    await store.close()
    await store[Symbol.asyncDispose]()

    expect(closed).toBe(1)
  })

  test('ends the pool also when a module cannot close, and tells', async () => {
    const error = new Error('cannot')
    const onClose = async (): Promise<void> => Promise.reject(error)
    const store = createStore({
      connection: { url: on.database.url, applicationName: 'half-closed' },
      modules: { notes: notes({ onClose }) },
    })
    await store.notes.all()

    expect(await rejectionOf(store.close())).toBe(error)
    const open = async (): Promise<unknown> =>
      (await on.database.query(`select 1 from pg_stat_activity where application_name = 'half-closed'`)).rowCount
    await expect.poll(open, { timeout: 60_000, interval: 10 }).toBe(0)
  })

  test.each(['url', 'pool', 'client'] as const)('lets the calls under way end first, on a %s', async (kind) => {
    const store = on.store({ connection: await connectionOf(kind) })
    const { promise: started, open: start } = gate()
    const { promise: held, open: go } = gate()
    const underWay = store.transaction(async (tx) => {
      start()
      await held
      await tx.notes.add('a', '1')
    })
    await started
    const waiting = store.notes.add('b', '2')
    let closed = false
    const closing = store.close().then(() => (closed = true))
    await new Promise((resolve) => void setImmediate(resolve))
    expect(closed).toBe(false)
    go()
    await Promise.all([underWay, waiting, closing])

    expect(await on.ids()).toEqual(['a', 'b'])
  })

  test.each(['url', 'pool', 'client'] as const)('makes every later call a typed error, on a %s', async (kind) => {
    const store = on.store({ connection: await connectionOf(kind) })
    const session = store.session()
    session.notes.add('a', '1')
    const client = await on.client()
    await client.query('begin')
    await store.close()

    const calls = [
      store.notes.add('a', '1'),
      store.transaction((tx) => tx.notes.add('a', '1')),
      store.transaction({ client }, (tx) => tx.notes.add('a', '1')),
      session.saveChanges(),
    ]
    for (const call of calls) expect(await rejectionOf(call)).toMatchObject({ code: 'InvalidState' })
    await client.query('commit')
    expect(await on.ids()).toEqual([])
  })

  test('await using closes the store', async () => {
    let kept
    {
      await using store = createStore({ connection: on.database.url, modules: { notes: notes() } })
      await store.notes.add('a', '1')
      kept = store
    }

    expect(await rejectionOf(kept.notes.all())).toMatchObject({ code: 'InvalidState' })
  })
})

async function connectionOf(kind: 'url' | 'pool' | 'client') {
  if (kind === 'url') return { url: on.database.url, maxConnections: 1 }
  return kind === 'pool' ? { pool: on.pool({ max: 1 }) } : { client: await on.client() }
}
