import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'

const on = useNotes()

/** A client of the caller's, inside a transaction that has written something of its own. */
async function callersTransaction(): Promise<pg.Client> {
  const client = await on.client()
  await client.query('begin')
  await client.query(`insert into rillflow.notes values ('callers', '0')`)
  return client
}

describe("a transaction that joins the caller's", () => {
  test('is stored by the COMMIT of the caller, and by nothing before it', async () => {
    const client = await callersTransaction()
    const result = await on.store().transaction({ client }, async (tx) => {
      await tx.notes.add('a', '1')
      return 'result'
    })

    expect(result).toBe('result')
    expect(await on.ids()).toEqual([])
    await client.query('commit')
    expect(await on.ids()).toEqual(['a', 'callers'])
  })

  test('is undone by the ROLLBACK of the caller', async () => {
    const client = await callersTransaction()
    await on.store().transaction({ client }, (tx) => tx.notes.add('a', '1'))
    await client.query('rollback')

    expect(await on.ids()).toEqual([])
  })

  test('undoes itself alone when it fails, and leaves the transaction of the caller usable', async () => {
    const client = await callersTransaction()
    const error = new Error('stop')
    const store = on.store()
    const own = store.transaction({ client }, async (tx) => {
      await tx.notes.add('a', '1')
      throw error
    })
    expect(await rejectionOf(own)).toBe(error)
    const broken = store.transaction({ client }, (tx) => tx.notes.add('callers', 'twice'))
    expect(await rejectionOf(broken)).toMatchObject({ code: 'UniqueViolation' })

    await client.query(`insert into rillflow.notes values ('callers-2', '0')`)
    await client.query('commit')
    expect(await on.ids()).toEqual(['callers', 'callers-2'])
  })

  test('tells a swallowed error as TransactionAborted, and leaves the transaction of the caller usable', async () => {
    const client = await callersTransaction()
    const thrown = on.store().transaction({ client }, async (tx) => {
      await tx.notes.add('a', '1')
      await tx.sql`select 1 / 0`.catch(() => undefined)
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted', cause: { sqlState: '22012' } })
    await client.query('commit')
    expect(await on.ids()).toEqual(['callers'])
  })

  test('lets the callback use savepoints of its own', async () => {
    const client = await callersTransaction()
    await on.store().transaction({ client }, async (tx) => {
      await tx.sql`savepoint here`
      await tx.sql`select 1 / 0`.catch(() => tx.sql`rollback to savepoint here`)
      await tx.notes.add('a', '1')
    })
    await client.query('commit')

    expect(await on.ids()).toEqual(['a', 'callers'])
  })

  test('leaves no savepoint behind, after success and after failure', async () => {
    const client = await callersTransaction()
    const store = on.store()
    await store.transaction({ client }, (tx) => tx.notes.add('a', '1'))
    await rejectionOf(store.transaction({ client }, async () => Promise.reject(new Error('stop'))))

    // 3B001: no such savepoint.
    expect(await rejectionOf(client.query('release savepoint rillflow'))).toMatchObject({ code: '3B001' })
  })

  test('nests: an inner one that fails takes back its own work alone', async () => {
    const client = await callersTransaction()
    const store = on.store()
    await store.transaction({ client }, async (tx) => {
      await tx.notes.add('outer-1', '1')
      await store.transaction({ client }, (inner) => inner.notes.add('inner', '2'))
      await rejectionOf(
        store.transaction({ client }, async (inner) => {
          await inner.notes.add('lost', '3')
          throw new Error('stop')
        }),
      )
      await tx.notes.add('outer-2', '4')
    })
    await client.query('commit')

    expect(await on.ids()).toEqual(['callers', 'inner', 'outer-1', 'outer-2'])
  })

  test('refuses a client that is in no transaction, and writes nothing', async () => {
    const client = await on.client()
    let called = false
    const thrown = on.store().transaction({ client }, async (tx) => {
      called = true
      await tx.notes.add('a', '1')
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'InvalidState' })
    expect(called).toBe(false)
    expect(await on.ids()).toEqual([])
  })

  test('tells when the transaction of the caller has failed already', async () => {
    const client = await callersTransaction()
    await rejectionOf(client.query('select 1 / 0'))
    const thrown = on.store().transaction({ client }, (tx) => tx.notes.add('a', '1'))

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted' })
  })

  test('is never run again: only the caller can repeat the whole', async () => {
    await on.database.query(`insert into rillflow.notes values ('a', '0')`)
    const client = await on.client()
    await client.query('begin isolation level repeatable read')
    await client.query('select * from rillflow.notes')
    await on.database.query(`update rillflow.notes set body = '1'`)
    let calls = 0
    const thrown = on.store().transaction({ client }, async (tx) => {
      calls += 1
      await tx.sql`update rillflow.notes set body = '2'`
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'SerializationFailure' })
    expect(calls).toBe(1)
    await client.query('rollback')
  })

  test('does not call listeners, since nobody here sees the commit', async () => {
    const client = await callersTransaction()
    let told = 0
    await on.store().transaction({ client }, async (tx) => {
      tx.notes.onCommit(() => (told += 1))
      await tx.notes.add('a', '1')
    })
    await client.query('commit')

    expect(told).toBe(0)
  })

  test('takes no connection of the store', async () => {
    const client = await callersTransaction()
    const unreachable = on.store({ connection: 'postgres://nobody@127.0.0.1:1/nowhere' })
    await unreachable.transaction({ client }, (tx) => tx.notes.add('a', '1'))
    await client.query('commit')

    expect(await on.ids()).toEqual(['a', 'callers'])
  })

  test('works on a client that a pool has lent', async () => {
    const client = await on.pool().connect()
    await client.query('begin')
    await on.store().transaction({ client }, (tx) => tx.notes.add('a', '1'))
    await client.query('commit')
    client.release()

    expect(await on.ids()).toEqual(['a'])
  })
})

describe("a session that is saved in the caller's transaction", () => {
  test('is stored by the COMMIT of the caller', async () => {
    const client = await callersTransaction()
    const session = on.store().session()
    session.notes.add('a', '1')
    expect(await session.saveChanges({ client })).toEqual({ notes: ['a'] })
    expect(session.pending).toBe(0)

    expect(await on.ids()).toEqual([])
    await client.query('commit')
    expect(await on.ids()).toEqual(['a', 'callers'])
  })

  test('keeps its work when it fails, and leaves the transaction of the caller usable', async () => {
    const client = await callersTransaction()
    const session = on.store().session()
    session.notes.add('callers', 'twice')

    expect(await rejectionOf(session.saveChanges({ client }))).toMatchObject({ code: 'UniqueViolation' })
    expect(session.pending).toBe(1)
    await client.query('commit')
    expect(await on.ids()).toEqual(['callers'])
  })
})
