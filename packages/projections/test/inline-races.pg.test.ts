import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { untilBlockedBy } from './support/blocked-by.js'
import { newStore, storeOn } from './support/store-of.js'
import { added, tallies, tallyRows } from './support/tally.js'

const database = useDatabase({ max: 24 })

const kinds = [
  [
    'documents',
    tallies('inline'),
    (schema: string) =>
      `select (doc ->> 'sum')::int as sum from ${schema}.docs where collection = 'tallies' and id = $1`,
  ],
  ['rows', tallyRows('inline'), (schema: string) => `select sum::int from ${schema}.tally_rows where name = $1`],
] as const

describe.each(kinds)('%s', (_, projection, select) => {
  /** What stands under a key. */
  async function sumOf(schema: string, key: string): Promise<number | undefined> {
    return (await database.query<{ sum: number }>(select(schema), [key])).rows[0]?.sum
  }

  test.each([
    ['makes it', [], 3],
    ['changes it', [added(10, 'key')], 13],
    ['deletes it', [added(10, 'key')], 2],
  ] as const)('while one transaction %s, another waits, and goes on from there', async (what, before, sum) => {
    const { store, schema } = await newStore(database.pool, [projection])
    for (const event of before) await store.events.append('before', [event])
    const client = await database.pool.connect()
    await client.query('begin')
    await store.transaction({ client }, (tx) =>
      tx.events.append('one', [what === 'deletes it' ? { type: 'Reset', data: { to: ['key'] } } : added(1, 'key')]),
    )
    const other = store.events.append('other', [added(2, 'key')])
    await untilBlockedBy(database.pool, client)
    await client.query('commit')
    client.release()
    await other
    expect(await sumOf(schema, 'key')).toBe(sum)
  })

  test('16 callers in two processes on three keys: nothing is lost, and nobody fails', async () => {
    const { store, schema } = await newStore(database.pool, [projection])
    // Another process, as far as the first one can tell: it shares nothing with it but the schema.
    const other = storeOn(database.url, schema, [projection])
    const stores = [store, other]
    const keys = ['a', 'b', 'c']
    const callers = Array.from({ length: 16 }, async (__, caller) => {
      for (let turn = 0; turn < 10; turn += 1) {
        // Each in an order of its own, in streams of its own.
        const order = keys.map((___, place) => keys[(place + caller + turn) % 3] as string)
        await stores[caller % 2]?.events.append(`s-${caller}`, [added(1, ...order)])
      }
    })
    await Promise.all(callers)
    await other.close()
    expect(await Promise.all(keys.map((key) => sumOf(schema, key)))).toEqual([160, 160, 160])
  })

  test('transactions that take keys in opposite orders are run again after the deadlock', async () => {
    const { store, schema } = await newStore(database.pool, [projection])
    await store.events.append('s', [added(1, 'a', 'b')])
    let met = 0
    let open = (): void => undefined
    const both = new Promise<void>((resolve) => (open = resolve))
    const transfer = (streamId: string, first: string, second: string): Promise<void> =>
      store.transaction(async (tx) => {
        await tx.events.append(streamId, [added(1, first)])
        met += 1
        if (met === 2) open()
        await both
        await tx.events.append(streamId, [added(1, second)])
      })
    await Promise.all([transfer('one', 'a', 'b'), transfer('two', 'b', 'a')])
    // One of them was ended by the server, and began anew; it may meet the other again before that has ended.
    expect(met).toBeGreaterThan(2)
    expect(await Promise.all(['a', 'b'].map((key) => sumOf(schema, key)))).toEqual([3, 3])
  })

  test('more new keys than locks', async () => {
    const { store, schema } = await newStore(database.pool, [projection])
    const keys = Array.from({ length: 150 }, (__, n) => `key-${n}`)
    await Promise.all(
      Array.from({ length: 8 }, (__, n) => store.transaction((tx) => tx.events.append(`s-${n}`, [added(1, ...keys)]))),
    )
    expect(await Promise.all([keys[0], keys[149]].map((key) => sumOf(schema, key as string)))).toEqual([8, 8])
  })
})
