import { setTimeout as sleep } from 'node:timers/promises'
import { createStore, type Context } from '@rillflow/core'
import { afterEach, describe, expect, test } from 'vitest'
import { gate } from './support/barrier.js'
import { notes } from './support/notes.js'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'
import { watchPool } from './support/watched-client.js'

const on = useNotes()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Flush = (ids: readonly string[]) => void | Promise<void>

/** A store with two staging modules on one table; `onFlush` is called by the first of them. */
function twoModules(settings: { onFlush?: Flush; context?: Context } = {}) {
  const modules = { left: notes({ onFlush: settings.onFlush }), right: notes() }
  const store = createStore({ connection: on.database.url, modules, context: settings.context })
  closing.push(() => store.close())
  return store
}

describe('saveChanges', () => {
  test('writes what every module staged in one transaction, and gives what each reports', async () => {
    const session = twoModules().session()
    session.left.add('l', '1')
    session.right.add('r-1', '2')
    session.right.add('r-2', '3')
    expect(session.pending).toBe(3)
    const saved = await session.saveChanges()

    expect(saved).toEqual({ left: ['l'], right: ['r-1', 'r-2'] })
    expect(session.pending).toBe(0)
    expect(await on.ids()).toEqual(['l', 'r-1', 'r-2'])
    const { rows } = await on.database.query<{ count: string }>(
      'select count(distinct xmin::text) as count from rillflow.notes',
    )
    expect(rows).toEqual([{ count: '1' }])
  })

  test('writes nothing of any module when one fails, keeps all of it staged, and loses nothing on the next try', async () => {
    await on.database.query(`insert into rillflow.notes values ('taken', '0')`)
    const session = twoModules().session()
    session.left.add('l', '1')
    session.right.add('taken', '2')

    expect(await rejectionOf(session.saveChanges())).toMatchObject({ code: 'UniqueViolation' })
    expect(session.pending).toBe(2)
    expect(await on.ids()).toEqual(['taken'])
    await on.expectNoneInTransaction()

    await on.database.query('truncate rillflow.notes')
    expect(await session.saveChanges()).toEqual({ left: ['l'], right: ['taken'] })
    expect(session.pending).toBe(0)
    expect(await on.ids()).toEqual(['l', 'taken'])
  })

  test('keeps what is staged while it runs for the next save', async () => {
    const { promise: flushing, open: started } = gate()
    const { promise: held, open: go } = gate()
    const onFlush: Flush = async () => {
      started()
      await held
    }
    const session = twoModules({ onFlush }).session()
    session.left.add('first', '1')
    const saving = session.saveChanges()
    await flushing
    session.left.add('second', '2')
    go()

    expect(await saving).toMatchObject({ left: ['first'] })
    expect(session.pending).toBe(1)
    expect(await on.ids()).toEqual(['first'])
    expect(await session.saveChanges()).toMatchObject({ left: ['second'] })
    expect(await on.ids()).toEqual(['first', 'second'])
  })

  test('twice at once is InvalidState for the second, and the first is not disturbed', async () => {
    const session = twoModules().session()
    session.left.add('a', '1')
    const first = session.saveChanges()

    expect(await rejectionOf(session.saveChanges())).toMatchObject({ code: 'InvalidState' })
    expect(() => session.clear()).toThrow('saveChanges is under way')
    expect(await first).toMatchObject({ left: ['a'] })
    session.left.add('b', '2')
    expect(await session.saveChanges()).toMatchObject({ left: ['b'] })
  })

  test('with nothing staged sends nothing', async () => {
    let sent = 0
    const pool = watchPool(on.pool(), (config) => {
      sent += 1
      return config
    })
    const session = on.store({ connection: { pool } }).session()

    expect(await session.saveChanges()).toEqual({ notes: [] })
    expect(sent).toBe(0)
  })

  test('is run again after a serialization failure, and stores each thing once', async () => {
    let flushes = 0
    const { store, race } = racing(() => (flushes += 1))
    const session = store.session()
    session.race.add('a', '1')
    session.right.add('b', '2')
    await race(() => session.saveChanges())

    expect(flushes).toBe(2)
    expect(session.pending).toBe(0)
    expect(await on.ids()).toEqual(['a', 'b'])
  })

  test('does not begin a new attempt while a flush of the last one is still under way', async () => {
    let running = 0
    let most = 0
    const slow = notes({
      onFlush: async () => {
        running += 1
        most = Math.max(most, running)
        // Long enough for the other module's failure and for the pause after it; ends when an attempt overtakes.
        for (let round = 0; round < 50; round += 1) {
          await sleep(2)
          if (most > 1) break
        }
        running -= 1
      },
    })
    const { store, race } = racing(() => undefined, slow)
    const session = store.session()
    session.race.add('a', '1')
    session.right.add('b', '2')
    await race(() => session.saveChanges())

    expect(most).toBe(1)
    expect(await on.ids()).toEqual(['a', 'b'])
  })
})

describe('clear', () => {
  test('drops what is staged and keeps the context', async () => {
    const session = twoModules().session({ headers: { user: 'ada' } })
    session.setContext({ correlationId: 'c-1' })
    session.left.add('dropped', '1')
    session.clear()
    expect(session.pending).toBe(0)
    session.left.add('kept', '2')
    await session.saveChanges()

    expect(await session.left.all()).toMatchObject([{ id: 'kept', headers: { user: 'ada' }, correlationId: 'c-1' }])
  })
})

describe('the context', () => {
  test('is read when the session is saved, not when work is staged', async () => {
    const session = twoModules().session({ headers: { user: 'ada' } })
    session.left.add('a', '1')
    session.setContext({ headers: { user: 'bob' }, correlationId: 'later' })
    await session.saveChanges()

    expect(await session.left.all()).toMatchObject([{ headers: { user: 'bob' }, correlationId: 'later' }])
  })

  test('merges the headers of the store, of withContext and of the session; the narrower wins', async () => {
    const store = twoModules({
      context: { headers: { store: 1, both: 'store', all: 'store' }, correlationId: 'store' },
    })
    const session = store.session({ headers: { session: 1, all: 'session' } })
    session.left.add('a', '1')
    await store.withContext({ headers: { ambient: 1, both: 'ambient', all: 'ambient' } }, () => session.saveChanges())

    expect(await store.left.all()).toMatchObject([
      { headers: { store: 1, ambient: 1, session: 1, both: 'ambient', all: 'session' }, correlationId: 'store' },
    ])
    expect(session.context.headers).toEqual({ store: 1, both: 'store', session: 1, all: 'session' })
  })
})

describe('withContext', () => {
  test('reaches every kind of call inside, across awaits and nested, and nothing outside', async () => {
    const store = twoModules()
    const result = await store.withContext({ headers: { user: 'ada' }, correlationId: 'outer' }, async () => {
      await new Promise((resolve) => void setImmediate(resolve))
      await store.left.add('statement', '')
      await store.withContext({ correlationId: 'inner' }, () =>
        store.transaction((tx) => tx.left.add('transaction', '')),
      )
      await store.transaction({ headers: { user: 'bob' } }, (tx) => tx.left.add('own', ''))
      return 'result'
    })
    await store.left.add('outside', '')

    expect(result).toBe('result')
    expect(await store.left.all()).toMatchObject([
      { id: 'outside', headers: null, correlationId: null },
      { id: 'own', headers: { user: 'bob' }, correlationId: 'outer' },
      { id: 'statement', headers: { user: 'ada' }, correlationId: 'outer' },
      { id: 'transaction', headers: { user: 'ada' }, correlationId: 'inner' },
    ])
  })

  test('keeps concurrent requests apart, on one connection', async () => {
    const store = on.store({ connection: { url: on.database.url, maxConnections: 1 } })
    const users = Array.from({ length: 20 }, (_, index) => `user-${index + 10}`)
    const request = async (user: string): Promise<void> => {
      await new Promise((resolve) => void setImmediate(resolve))
      await store.transaction((tx) => tx.notes.add(user, ''))
    }
    await Promise.all(users.map((user) => store.withContext({ correlationId: user }, () => request(user))))

    for (const note of await store.notes.all()) expect(note.correlationId).toBe(note.id)
  })

  test('gives back what is not a promise as it is', () => {
    expect(twoModules().withContext({}, () => 7)).toBe(7)
  })
})

/**
 * A store whose module `race` meets a serialization failure in the first attempt of the save that `race` runs.
 */
function racing(flushed: () => void, right = notes()) {
  const base = notes({ onFlush: flushed })
  let armed = false
  const race = {
    ...base,
    install(...args: Parameters<typeof base.install>) {
      const installed = base.install(...args)
      const session: typeof installed.session = (...places) => {
        const part = installed.session?.(...places)
        if (part === undefined) throw new Error('the notes stage work')
        return {
          ...part,
          async flush(tx) {
            const first = armed
            armed = false
            const saved = await part.flush(tx)
            if (first) await tx.query({ operation: 'race', text: raceStatement, values: [] })
            return saved
          },
        }
      }
      return { ...installed, session }
    },
  }
  const store = createStore({ connection: on.database.url, modules: { race, right } })
  closing.push(() => store.close())
  const run = async (work: () => Promise<unknown>): Promise<void> => {
    armed = true
    await work()
  }
  return { store, race: run }
}

/** What the server itself says when two transactions cannot be put in an order. */
const raceStatement = `do $$ begin raise exception 'race' using errcode = '40001'; end $$`
