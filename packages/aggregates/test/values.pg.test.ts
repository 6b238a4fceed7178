import { defineAggregate } from '@rillflow/aggregates'
import { typed, type Json } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asStored, SaleEvents, Sales, sold } from './support/sales.js'
import { newStoreOf } from './support/store-of.js'

const database = useDatabase()

const newSales = async () => {
  const { store } = await newStoreOf({ connect: () => database.pool.connect() }, { families: { sale: SaleEvents } })
  return { store, aggregates: store.aggregates }
}

describe('what the schema makes of the data is in the state at once, as a load gives it', () => {
  test('of an execution, again and again, with snapshots in between', async () => {
    const { aggregates } = await newSales()
    for (let version = 1; version <= 7; version += 1) {
      const { id, state, exists, ...done } = await aggregates.execute(Sales, 'today', () => [sold(`${version}`)])
      const loaded = await aggregates.load(Sales, 'today')
      expect({ id, state, exists, version: done.version }).toEqual(loaded)
      expect(loaded.state).toEqual({ total: (version * (version + 1)) / 2, last: asStored(version) })
      expect(await aggregates.loadAt(Sales, 'today', { version })).toEqual(loaded)
    }
  })

  test('of a creation and a commit, with the events as they are read', async () => {
    const { aggregates, store } = await newSales()
    const created = await aggregates.create(Sales, 'today', () => [sold('1'), sold('2')])
    const committed = await aggregates.commit(Sales, created, [sold('3')])
    const { events: first } = created
    const { events: second, id, state, version, exists } = committed
    expect(await aggregates.load(Sales, 'today')).toEqual({ id, state, version, exists })
    expect([...first, ...second]).toEqual(await store.events.readStream('today', { metadata: false }).toArray())
    expect(state).toEqual({ total: 6, last: asStored(3) })
  })

  test('of executions that hand the state on', async () => {
    const { aggregates } = await newSales()
    const all = await Promise.all(
      ['1', '2', '3', '4'].map((price) => aggregates.execute(Sales, 'today', () => [sold(price)])),
    )
    const loaded = await aggregates.load(Sales, 'today')
    expect(all.map(({ version }) => version)).toEqual([1, 2, 3, 4])
    expect(all.at(-1)?.state).toEqual(loaded.state)
    expect(loaded.state).toEqual({ total: 10, last: asStored(4) })
  })

  test('of a session that looks at what it has staged', async () => {
    const { aggregates, store } = await newSales()
    const session = store.session()
    const staged = await session.aggregates.execute(Sales, 'today', () => [sold('5')])
    expect(staged.state).toEqual({ total: 5, last: asStored(5) })
    expect(await session.aggregates.load(Sales, 'today')).toEqual(staged)
    const again = await session.aggregates.execute(Sales, 'today', () => [sold('6')])
    session.events.append('today', [sold('7')])
    const seen = await session.aggregates.load(Sales, 'today')
    expect([again.state.total, seen.state.total]).toEqual([11, 18])
    await session.saveChanges()
    expect(await aggregates.load(Sales, 'today')).toEqual(seen)
  })
})

test('the input of a decision stays its own: it is neither changed nor frozen', async () => {
  const { aggregates } = await newSales()
  const given = { type: 'Sold' as const, data: { price: '5', tags: [' new '] } }
  const { events } = await aggregates.execute(Sales, 'today', () => [given])
  expect(given.data).toEqual({ price: '5', tags: [' new '] })
  expect([Object.isFrozen(given), Object.isFrozen(given.data), Object.isFrozen(given.data.tags)]).toEqual([
    false,
    false,
    false,
  ])
  expect(events[0]?.data).toEqual(asStored(5))
})

const BoxEvents = defineEvents('box', { Filled: typed<Json>() })
const options = {
  events: BoxEvents,
  initial: () => ({ held: null as unknown, count: 0 }),
  evolve: {
    Filled: (box: { readonly count: number }, { data }: { readonly data: unknown }) => ({
      held: data,
      count: box.count + 1,
    }),
  },
}
const Box = defineAggregate('box', options)
const Kept = defineAggregate('kept', { ...options, snapshot: { every: 1, version: 1 } })

test('any JSON in the state comes back as it went in, by folding and by a snapshot', async () => {
  const { store } = await newStoreOf({ connect: () => database.pool.connect() }, { families: { box: BoxEvents } })
  const { aggregates } = store
  let made = 0
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes(String.raw`\u0000`))
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      made += 1
      const id = `box-${made}`
      // What went in, as JSON has it: -0 is 0 there.
      const held = JSON.parse(JSON.stringify(value)) as unknown
      const { state } = await aggregates.execute(Kept, id, () => [{ type: 'Filled', data: value as Json }])
      expect(state).toEqual({ held, count: 1 })
      expect((await aggregates.load(Kept, id)).state).toEqual(state)
      expect((await aggregates.load(Box, id)).state).toEqual(state)
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['a bigint', 1n],
  ['a NUL', 'a\u0000b'],
  ['a lone surrogate', '\ud800'],
  ['a function', () => 1],
])('%s in the data is refused with its path, and nothing is written', async (_, value) => {
  const { store } = await newStoreOf({ connect: () => database.pool.connect() }, { families: { box: BoxEvents } })
  const events = [{ type: 'Filled' as const, data: { deep: [1, value] } as Json }]
  await expect(store.aggregates.execute(Box, 'b', () => events)).rejects.toMatchObject({
    code: 'UnstorableValue',
    path: ['deep', 1],
  })
  await expect(store.session().aggregates.execute(Box, 'b', () => events)).rejects.toMatchObject({
    code: 'UnstorableValue',
  })
  expect(await store.events.streamExists('b')).toBe(false)
})

test('data that its schema refuses is refused before anything is written', async () => {
  const { aggregates, store } = await newSales()
  const wrong = [{ type: 'Sold' as const, data: { price: 5 as never } }]
  await expect(aggregates.execute(Sales, 'today', () => wrong)).rejects.toMatchObject({ code: 'ValidationFailed' })
  await expect(aggregates.create(Sales, 'today', () => wrong)).rejects.toMatchObject({ code: 'ValidationFailed' })
  expect(await store.events.streamExists('today')).toBe(false)
})
