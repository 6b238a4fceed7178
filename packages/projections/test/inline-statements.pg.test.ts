import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planOf } from './support/plan-of.js'
import { newStore, storeOn, type TestStore } from './support/store-of.js'
import { added, tallies, tallyRows } from './support/tally.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase()

let pool: WatchedPool
let store: TestStore
let schema: string
const byStream = [tallies('inline', 'stream'), tallyRows('inline', 'stream')] as const

beforeEach(async () => {
  ;({ schema } = await newStore(database.pool, byStream))
  pool = new WatchedPool(database.url)
  store = storeOn(pool, schema, byStream)
})
afterEach(() => pool.end())

describe('round trips', () => {
  test('an append that no projection wants is one statement, as without projections', async () => {
    await store.events.append('s', [{ type: 'Noted', data: { text: 'a' } }])
    expect(pool.take().names).toEqual(['append_one_any'])
  })

  test.each([
    ['documents', byStream[0], ['hold_many', 'put_all']],
    ['rows', byStream[1], ['hold_rows', 'put_rows']],
  ] as const)('%s: reading back and loading leave with the append', async (_, projection, [hold, put]) => {
    store = storeOn(pool, schema, [projection])
    await store.events.append('s', [added(1)])
    const first = pool.take()
    // What is not there yet is held by its key, and looked at again.
    const loading = [hold, 'lock_keys', hold]
    expect(first.names.filter((name) => name !== 'table_columns').slice(3, 6)).toEqual(loading)
    await store.events.append('s', [added(2)])
    const { names, roundTrips } = pool.take()
    expect(names).toEqual(['begin', 'append_one_any', 'read_appended', hold, put, 'commit'])
    expect(roundTrips).toBe(4)
  })

  test('two projections take no more round trips than one', async () => {
    await store.events.append('s', [added(1)])
    pool.take()
    await store.events.append('s', [added(2)])
    expect(pool.take().roundTrips).toBe(4)
  })

  test('a projection with keys of its own takes one more, for they come with the event', async () => {
    store = storeOn(pool, schema, [tallies('inline')])
    await store.events.append('s', [added(1, 'a', 'b')])
    pool.take()
    await store.events.append('t', [added(1, 'b', 'a')])
    const { sent, roundTrips } = pool.take()
    expect(roundTrips).toBe(5)
    // In one order, whatever that of the event: two that held them as they come would end in a deadlock.
    const held = sent.find(({ text }) => text.includes('rillflow:hold_many'))
    expect(held?.values).toEqual(['tallies', '["a","b"]'])
  })

  test.each([
    ['a prefix', { streamPrefix: 'order-' }, 'order-1', 'tally', 4],
    ['streams', { streamIds: ['order-1'] }, 'order-1', 'tally', 4],
    // The category is the stream's, and known only with the event.
    ['categories', { categories: ['order'] }, 's', 'order', 5],
  ])('what a filter of %s leaves out is neither loaded nor projected', async (_, filter, streamId, category, most) => {
    store = storeOn(pool, schema, [{ ...byStream[0], filter }])
    await store.events.append('other', [added(1)])
    expect(pool.take().names).toEqual(['begin', 'append_one_any', 'read_appended', 'commit'])
    await store.events.append(streamId, [added(1)], { category })
    await store.events.append(streamId, [added(2)])
    expect(await store.docs.tallies.get('other')).toBeUndefined()
    expect(await store.docs.tallies.get(streamId)).toMatchObject({ sum: 3 })
    pool.take()
    await store.events.append(streamId, [added(3)])
    expect(pool.take().roundTrips).toBe(most)
  })

  test('what leaves nothing changed writes nothing', async () => {
    await store.events.append('s', [added(1)])
    pool.take()
    await store.events.append('s', [{ type: 'Kept', data: {} }])
    expect(pool.take().names).toEqual(['begin', 'append_one_any', 'read_appended', 'hold_many', 'hold_rows', 'commit'])
  })

  test('appends that come together share their statements', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, n) => store.events.append(`s-${n}`, [added(n)])))
    const { names } = pool.take()
    expect(names.filter((name) => name === 'commit').length).toBeLessThanOrEqual(3)
    expect(names.filter((name) => name === 'put_all').length).toBeLessThanOrEqual(3)
  })
})

test('each hot statement walks indexes and sorts nothing, whatever it was planned for', async () => {
  // Small tables are read whole, whatever their indexes.
  await store.events.import(
    Array.from({ length: 5_000 }, (_, n) => ({ streamId: `s-${n}`, ...added(n) })),
    { inline: 'skip' },
  )
  await database.query(`
    insert into ${schema}.tally_rows (name, sum) select 's-' || n, 0 from generate_series(1, 5000) n;
    insert into ${schema}.docs (collection, id, doc, version, created_at, updated_at)
      select 'tallies', 's-' || n, jsonb_build_object('id', 's-' || n), 1, now(), now() from generate_series(1, 5000) n`)
  await database.query(`analyze ${schema}.events, ${schema}.streams, ${schema}.docs, ${schema}.tally_rows`)
  pool.take()
  await store.events.append('s-1', [added(1)])
  await store.events.append('s-1', [{ type: 'Reset', data: {} }])
  const { sent } = pool.take()
  const hot = new Map(sent.map((config) => [config.text, config]))
  const seen: string[] = []
  for (const config of hot.values()) {
    const name = /rillflow:(read_appended|hold_many|hold_rows|purge_all|remove_rows) /.exec(config.text)?.[1]
    if (name === undefined) continue
    const nodes = await planOf(database.pool, config)
    const indexes = nodes.flatMap((node) => node['Index Name'] ?? [])
    expect(indexes.length, name).toBeGreaterThan(0)
    expect(nodes.map((node) => node['Node Type']).filter((type) => /Seq Scan|Sort/.test(type))).toEqual([])
    seen.push(name)
  }
  expect(seen.toSorted()).toEqual(['hold_many', 'hold_rows', 'purge_all', 'read_appended', 'remove_rows'])
})
