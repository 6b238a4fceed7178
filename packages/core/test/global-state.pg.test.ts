import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { rejectionOf } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'

const on = useNotes()

const { BOOL, INT8, INT2, INT4, TEXT, JSON: Json, NUMERIC, JSONB, TIMESTAMPTZ } = pg.types.builtins
const usual = [BOOL, INT8, INT2, INT4, TEXT, Json, NUMERIC, JSONB, TIMESTAMPTZ]
const parsers = (): readonly unknown[] => usual.map((oid) => pg.types.getTypeParser(oid))

const original = parsers()
afterEach(() => {
  for (const [index, oid] of usual.entries()) pg.types.setTypeParser(oid, original[index] as (value: string) => unknown)
})

/** The life of a store, with some failures in it. */
async function useStore(): Promise<void> {
  const store = on.store()
  await store.notes.add('a', '1')
  await rejectionOf(store.notes.add('a', '1'))
  await rejectionOf(store.transaction(async (tx) => tx.sql`select pg_terminate_backend(pg_backend_pid())`))
  const session = store.session()
  for (const id of ['b', 'c', 'd', 'e', 'f']) session.notes.add(id, id)
  await session.saveChanges()
  await store.close()
}

describe('nothing global is touched', () => {
  // First, since the driver warns of a thing once for each process.
  test('nothing warns, not even the driver of statements that come too fast', async () => {
    const warnings: Error[] = []
    const listener = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listener)
    await useStore()
    // Warnings are told on a later tick.
    await new Promise((resolve) => void setImmediate(resolve))
    process.off('warning', listener)

    expect(warnings).toEqual([])
  })

  test('neither the type parsers of pg nor the listeners of the process', async () => {
    const listeners = (): readonly unknown[] =>
      process.eventNames().map((name) => [name, process.listeners(name as NodeJS.Signals)])
    const before = { parsers: parsers(), listeners: listeners() }
    await useStore()

    expect(parsers()).toEqual(before.parsers)
    expect(listeners()).toEqual(before.listeners)
  })
})

describe('odd type parsers do not disturb', () => {
  const reading = async (connection?: { pool: pg.Pool }): Promise<readonly unknown[]> => {
    const store = on.store({ connection })
    await store.notes.add('a', 'body')
    const [note] = await store.notes.all()
    const [row] = await store.notes.run('select 7::int4, true, false, 9007199254740993::int8::text, null::text')
    return [note, row]
  }
  const expected = [
    { id: 'a', body: 'body', headers: null, correlationId: null },
    [7, true, false, '9007199254740993', null],
  ]

  test('when the program set them for everybody', async () => {
    pg.types.setTypeParser(INT8, BigInt)
    for (const oid of [BOOL, INT4, TEXT]) pg.types.setTypeParser(oid, (value) => ({ odd: value }))

    expect(await reading()).toEqual(expected)
  })

  test('when the pool of the caller brings them', async () => {
    const odd = { getTypeParser: () => (value: string) => ({ odd: value }) }
    const pool = on.pool({ types: odd as unknown as NonNullable<pg.PoolConfig['types']> })

    expect(await reading({ pool })).toEqual(expected)
  })
})
