import { describe, expect, test } from 'vitest'
import { gate } from './support/barrier.js'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'
import { watchPool } from './support/watched-client.js'

const on = useNotes()

describe('a transaction', () => {
  test('commits what its callback wrote, and gives what it returned', async () => {
    const store = on.store()
    const result = await store.transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await tx.sql`insert into rillflow.notes values (${'b'}, ${'2'})`
      return tx.notes.all()
    })

    expect(result.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await on.ids()).toEqual(['a', 'b'])
  })

  test('stores nothing when its callback throws, and lets the same error out', async () => {
    const error = new Error('the caller knows why')
    const thrown = on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      throw error
    })

    expect(await rejectionOf(thrown)).toBe(error)
    expect(await on.ids()).toEqual([])
    await on.expectNoneInTransaction()
  })

  test('lets out even what is no error', async () => {
    const thrown: unknown = 'text'
    const rejected = on.store().transaction(async () => Promise.reject(thrown))

    expect(await rejectionOf(rejected)).toBe('text')
  })

  test('lets the error of a statement out unchanged, with the driver error as its cause', async () => {
    let seen: unknown
    const thrown = on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await tx.notes.add('a', '2').catch((error: unknown) => {
        seen = error
        throw error
      })
    })
    const error = await rejectionOf(thrown)

    expect(error).toBe(seen)
    expect(error).toMatchObject({ code: 'UniqueViolation', constraint: 'notes_pkey', cause: { code: '23505' } })
    await on.expectNoneInTransaction()
  })

  test('is isolated until it commits', async () => {
    await on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      expect(await on.ids()).toEqual([])
    })

    expect(await on.ids()).toEqual(['a'])
  })

  test('reports what a constraint refuses at COMMIT, and leaves a usable connection', async () => {
    await on.database.query('create table rillflow.deferred (id int unique deferrable initially deferred)')
    const store = on.store({ connection: { url: on.database.url, maxConnections: 1 } })
    const thrown = store.transaction(async (tx) => {
      await tx.sql`insert into rillflow.deferred values (1), (1)`
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'UniqueViolation' })
    await store.notes.add('a', '1')
    expect(await on.ids()).toEqual(['a'])
  })
})

describe('an error that the callback swallows', () => {
  test('is TransactionAborted at the end, with the error as its cause, and nothing is stored', async () => {
    const thrown = on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await tx.sql`select 1 / 0`.catch(() => undefined)
    })

    expect(await rejectionOf(thrown)).toMatchObject({
      code: 'TransactionAborted',
      cause: { code: 'DatabaseError', sqlState: '22012' },
    })
    expect(await on.ids()).toEqual([])
    await on.expectNoneInTransaction()
  })

  test('is none when the callback has rolled back to a savepoint of its own', async () => {
    await on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      await tx.sql`savepoint here`
      await tx.sql`select 1 / 0`.catch(() => tx.sql`rollback to savepoint here`)
      await tx.notes.add('b', '2')
    })

    expect(await on.ids()).toEqual(['a', 'b'])
  })

  test('is seen also when nobody awaited the statement', async () => {
    const thrown = on.store().transaction(async (tx) => {
      await tx.notes.add('a', '1')
      tx.sql`select 1 / 0`.catch(() => undefined)
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted' })
    expect(await on.ids()).toEqual([])
  })

  test('is seen when a driver does not tell which command ran', async () => {
    const pool = on.pool()
    const connection = {
      pool: {
        async connect() {
          const client = await pool.connect()
          return {
            query: async (config: { text: string }) => {
              const { rows, rowCount } = await client.query(config)
              return { rows, rowCount }
            },
            release: (destroy?: boolean | Error) => client.release(destroy),
          }
        },
      },
    }
    const thrown = on.store({ connection }).transaction(async (tx) => {
      await tx.sql`select 1 / 0`.catch(() => undefined)
    })

    expect(await rejectionOf(thrown)).toMatchObject({ code: 'TransactionAborted' })
  })
})

describe('statements that are not awaited', () => {
  test('are waited for before the commit', async () => {
    await on.store().transaction(async (tx) => {
      for (const id of ['a', 'b', 'c', 'd']) void tx.notes.add(id, id)
      await Promise.resolve()
    })

    expect(await on.ids()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('are waited for before the rollback, so that none runs after it on its own', async () => {
    const error = new Error('stop')
    const thrown = on.store().transaction(async (tx) => {
      void tx.sql`select pg_sleep(0.05)`
      for (const id of ['a', 'b', 'c']) tx.notes.add(id, id).catch(() => undefined)
      await Promise.resolve()
      throw error
    })

    expect(await rejectionOf(thrown)).toBe(error)
    expect(await on.ids()).toEqual([])
    await on.expectNoneInTransaction()
  })

  test('go one after the other, in the order of the calls', async () => {
    const seen: string[] = []
    const pool = watchPool(on.pool(), (config) => {
      seen.push(config.text)
      return config
    })
    await on.store({ connection: { pool } }).transaction(async (tx) => {
      await Promise.all([tx.sql`select 1`, tx.sql`select 2`, tx.sql`select 3`, tx.sql`select 4`])
    })

    expect(seen).toEqual(['begin', 'select 1', 'select 2', 'select 3', 'select 4', 'commit'])
  })
})

describe('after the end', () => {
  test('a transaction that was kept is refused, after a commit and after a rollback', async () => {
    const store = on.store()
    const keep = await store.transaction(async (tx) => Promise.resolve({ tx }))
    let lost = keep.tx
    await rejectionOf(
      store.transaction(async (tx) => {
        lost = tx
        return Promise.reject(new Error('stop'))
      }),
    )

    for (const tx of [keep.tx, lost]) {
      expect(await rejectionOf(tx.notes.add('a', '1'))).toMatchObject({ code: 'InvalidState' })
      expect(await rejectionOf(tx.sql`select 1`)).toMatchObject({ code: 'InvalidState' })
    }
    expect(await on.ids()).toEqual([])
  })

  test('a call that comes while the commit is under way is refused, not sent after it', async () => {
    const { promise, open } = gate()
    let late: Promise<unknown> = Promise.resolve()
    const store = on.store()
    await store.transaction(async (tx) => {
      late = promise.then(() => tx.notes.add('late', '1'))
      tx.notes.onCommit(open)
      await tx.notes.add('a', '1')
    })

    expect(await rejectionOf(late)).toMatchObject({ code: 'InvalidState' })
    expect(await on.ids()).toEqual(['a'])
  })
})

describe('inside a transaction', () => {
  test("a module's own transaction is part of it", async () => {
    const thrown = on.store().transaction(async (tx) => {
      await tx.notes.together(async (inner) => inner.add('a', '1'))
      throw new Error('stop')
    })

    await rejectionOf(thrown)
    expect(await on.ids()).toEqual([])
  })

  test("a module's transaction on the store commits on its own", async () => {
    await on.store().notes.together(async (inner) => inner.add('a', '1'))

    expect(await on.ids()).toEqual(['a'])
  })
})

describe('onCommit', () => {
  test('is called after the commit, in order', async () => {
    const told: string[] = []
    await on.store().transaction(async (tx) => {
      tx.notes.onCommit(() => told.push('one'))
      tx.notes.onCommit(() => told.push('two'))
      await tx.notes.add('a', '1')
      expect(told).toEqual([])
    })

    expect(told).toEqual(['one', 'two'])
  })

  test('is not called after a rollback, nor when COMMIT is refused', async () => {
    let told = 0
    const store = on.store()
    await rejectionOf(
      store.transaction(async (tx) => {
        tx.notes.onCommit(() => (told += 1))
        return Promise.reject(new Error('stop'))
      }),
    )
    await rejectionOf(
      store.transaction(async (tx) => {
        tx.notes.onCommit(() => (told += 1))
        await tx.sql`select 1 / 0`.catch(() => undefined)
      }),
    )

    expect(told).toBe(0)
  })

  test('a listener that throws neither fails the committed transaction nor silences the others', async () => {
    const told: string[] = []
    const errors: unknown[] = []
    const nothing = (): void => undefined
    const logger = { debug: nothing, info: nothing, warn: nothing, error: (fields: object) => errors.push(fields) }
    await on.store({ logger }).transaction(async (tx) => {
      tx.notes.onCommit(() => {
        throw new Error('listener')
      })
      tx.notes.onCommit(() => told.push('two'))
      await tx.notes.add('a', '1')
    })

    expect(told).toEqual(['two'])
    expect(errors).toMatchObject([{ err: { message: 'listener' } }])
  })
})
