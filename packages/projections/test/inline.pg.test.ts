import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { newStore, type TestStore } from './support/store-of.js'
import { added, tallies, tallyLines, tallyRows } from './support/tally.js'

const database = useDatabase({ max: 8 })

/** Each way to append to a stream, outside a transaction. */
const ways: Readonly<Record<string, (store: TestStore, streamId: string, n: number) => Promise<unknown>>> = {
  append: (store, streamId, n) => store.events.append(streamId, [added(n)]),
  'append with an expectation': (store, streamId, n) =>
    store.events.append(streamId, [added(n)], { expected: n === 1 ? 'noStream' : 'streamExists' }),
  'append of several': (store, streamId, n) => store.events.append(streamId, [added(n - 1), added(1)]),
  'append with a key': (store, streamId, n) => store.events.append(streamId, [added(n)], { idempotencyKey: `${n}` }),
  builder: (store, streamId, n) => store.events.stream(streamId).push(added(n)).send(),
  transaction: (store, streamId, n) => store.transaction((tx) => tx.events.append(streamId, [added(n)])),
  'builder in a transaction': (store, streamId, n) =>
    store.transaction((tx) => tx.events.stream(streamId).push(added(n)).send()),
  session: async (store, streamId, n) => {
    const session = store.session()
    session.events.append(streamId, [added(n)])
    await session.saveChanges()
  },
}

describe.each(Object.entries(ways))('%s', (_, append) => {
  test('projects what it has stored, once', async () => {
    const { store, schema } = await newStore(database.pool, [
      tallies('inline'),
      tallyRows('inline'),
      tallyLines('inline'),
    ])
    for (const n of [1, 2, 3]) {
      await append(store, 's', n)
      expect(await store.docs.tallies.getStored('s')).toMatchObject({ doc: { id: 's', unit: 'one' } })
    }
    expect(await store.docs.tallies.get('s')).toEqual({ id: 's', sum: 6, unit: 'one' })
    const rows = await database.query(`select * from ${schema}.tally_rows`)
    expect(rows.rows).toEqual([{ name: 's', sum: 6, note: null, twice: 12 }])
    const lines = await database.query<{ place: string; n: number }>(
      `select * from ${schema}.tally_lines order by place`,
    )
    const stored = await store.events.readStream('s').toArray()
    expect(lines.rows.map(({ place, n }) => [Number(place), n])).toEqual(
      stored.map(({ position, data }) => [position, (data as { n: number }).n]),
    )
  })
})
