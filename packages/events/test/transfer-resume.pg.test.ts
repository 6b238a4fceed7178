import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import type { ImportEvent } from '../src/index.js'
import { numbered } from './support/numbered.js'
import { added, eventsOf, newStore, type TestStore } from './support/test-store.js'

const database = useDatabase({ max: 8 })

test('an abort between two batches ends the import with its reason; what was stored stays', async () => {
  const { store } = await newStore(database.pool)
  const abort = new AbortController()
  const reason = new Error('enough')
  const ended = store.events.import(numbered(100, ['s']), {
    batchSize: 10,
    signal: abort.signal,
    onProgress: (progress) => {
      if (progress.events === 30) abort.abort(reason)
    },
  })
  await expect(ended).rejects.toBe(reason)
  expect(await eventsOf(store)).toHaveLength(30)
  await expect(store.events.import(numbered(1, ['s']), { signal: abort.signal })).rejects.toBe(reason)
  expect(await eventsOf(store)).toHaveLength(30)
})

test('an abort while the source is waited for ends the import, and closes nothing that others use', async () => {
  const { store } = await newStore(database.pool)
  const abort = new AbortController()
  const source = async function* (): AsyncGenerator<ImportEvent> {
    yield* numbered(2, ['s'])
    abort.abort()
    await new Promise(() => undefined)
  }
  const ended = store.events.import(source(), { validate: true, signal: abort.signal })
  await expect(ended).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }) as Error)
  expect(await eventsOf(store)).toEqual([])
})

async function nameOf(store: TestStore, rows: readonly ImportEvent[], batchSize = 10): Promise<unknown> {
  return store.events.import(rows, { name: 'move', validate: true, batchSize })
}

test('a named import goes on where it ended, without loss and without doubles', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(35, ['a', 'b'])]
  const broken = [...rows.slice(0, 27), null as never, ...rows.slice(28)]
  await expect(nameOf(store, broken)).rejects.toMatchObject({ code: 'ImportFailed', row: 28, imported: 20 })
  // Another batch size, and events of others in between: neither matters.
  await store.events.append('a', added(3, 900))
  await expect(nameOf(store, broken, 4)).rejects.toMatchObject({ row: 28, imported: 4 })
  expect(await nameOf(store, rows)).toMatchObject({ skipped: 24, events: 11, streams: 0 })
  expect(await nameOf(store, rows)).toMatchObject({ skipped: 35, events: 0, position: undefined })
  // A source that has grown goes on too.
  expect(await nameOf(store, [...numbered(37, ['a', 'b'])])).toMatchObject({ skipped: 35, events: 2 })
  const numbers = (await store.events.readAll().toArray()).map(({ data }) => (data as { n: number }).n)
  expect(numbers.filter((n) => n < 900)).toEqual(Array.from({ length: 37 }, (_, index) => index + 1))
  expect(await store.events.verify()).toEqual([])
})

test('another name is another import; a shorter source is refused', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(5, ['a'])]
  await nameOf(store, rows)
  await expect(nameOf(store, rows.slice(0, 4))).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'source' })
  expect(await store.events.import(rows, { name: 'again', validate: true })).toMatchObject({ events: 5 })
  expect(await eventsOf(store)).toHaveLength(10)
})

test('of two runs of one import the slower one is refused, and nothing is stored twice', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(30, ['a'])]
  const overtaken = async function* (): AsyncGenerator<ImportEvent> {
    yield* rows.slice(0, 15)
    await nameOf(store, rows)
    yield* rows.slice(15)
  }
  const slow = store.events.import(overtaken(), { name: 'move', validate: true, batchSize: 20 })
  await expect(slow).rejects.toMatchObject({
    code: 'ImportFailed',
    row: 1,
    imported: 0,
    cause: { code: 'InvalidState' },
  })
  expect(await eventsOf(store)).toHaveLength(30)
})

test('a batch is all or nothing with the progress of its import', async () => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`alter table "${schema}".events add check (data <> '{"n": 15}')`)
  await expect(nameOf(store, [...numbered(20, ['a'])])).rejects.toMatchObject({ row: 15, imported: 10 })
  const { rows } = await database.query(`select name, count::int from "${schema}".imports`)
  expect(rows).toEqual([{ name: 'move', count: 10 }])
})
