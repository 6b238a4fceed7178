import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ListStreamsOptions } from '../src/index.js'
import type { CountingPool } from './support/counting-pool.js'
import { added, newCountedStore, newStore, type TestStore } from './support/test-store.js'
import { customPlan, planOf, settledPlans, statementOf } from './support/plan-of.js'

const database = useDatabase()

/** In byte order; in the order of UTF-16, U+FF5A would stand behind the last two. */
const ids = ['A', 'a', 'a-1', 'a-10', 'a-2', 'a.', 'b', 'ä', 'ｚ', '\u{1f600}', '\u{1f600}x']
const archived = ['a-10', 'b']
const tombstoned = ['a.', 'b']
const categories = (id: string): string => (id.startsWith('a-') ? 'dashed' : 'plain')

describe('a few streams', () => {
  let store: TestStore

  beforeAll(async () => {
    ;({ store } = await newStore(database.pool))
    for (const id of ids.toReversed()) await store.events.append(id, added(1), { category: categories(id) })
    for (const id of archived) await store.events.archiveStream(id)
    for (const id of tombstoned) await store.events.tombstoneStream(id)
  })

  /** What the options mean, over the list above. */
  function expectedIds(options: ListStreamsOptions): readonly string[] {
    const { category, prefix = '', archived: a = 'include', tombstoned: t = 'exclude', after, limit } = options
    const chosen = (choice: string, isIn: boolean): boolean => choice === 'include' || (choice === 'only') === isIn
    return ids
      .filter((id) => category === undefined || categories(id) === category)
      .filter((id) => id.startsWith(prefix) && (after === undefined || Buffer.from(id).compare(Buffer.from(after)) > 0))
      .filter((id) => chosen(a, archived.includes(id)) && chosen(t, tombstoned.includes(id)))
      .slice(0, limit)
  }

  const choices = [undefined, 'include', 'exclude', 'only'] as const
  const cases: readonly ListStreamsOptions[] = [
    ...choices.flatMap((a) => choices.map((t) => ({ archived: a, tombstoned: t }))),
    ...['a', 'a-', 'a-1', 'A', '\u{1f600}', 'none', '\u{10ffff}'].map((prefix) => ({ prefix })),
    ...['dashed', 'plain', 'none'].flatMap((category) => [{ category }, { category, prefix: 'a' }]),
    ...['a-1', 'a-15', 'z', 'ｚ', '\u{10ffff}'].flatMap((after) => [
      { after },
      { after, prefix: 'a-' },
      { after, prefix: 'b' },
    ]),
    { limit: 0 },
    { limit: 3 },
    { limit: 3, after: 'a' },
    { prefix: 'a', category: 'dashed', after: 'a-1', archived: 'include', tombstoned: 'include', limit: 1 },
  ]

  test.each(cases)('%j', async (options) => {
    const expected = expectedIds(options)
    const list = await store.events.listStreams(options).toArray()
    expect(list.map((stream) => stream.streamId)).toEqual(expected)
    for (const pageSize of [1, 2, 500]) {
      const iterated: string[] = []
      for await (const stream of store.events.listStreams({ ...options, pageSize })) iterated.push(stream.streamId)
      expect(iterated).toEqual(expected)
    }
  })

  test('each stream comes with what is known of it', async () => {
    for await (const stream of store.events.listStreams({ tombstoned: 'include' })) {
      expect(stream).toEqual(await store.events.streamInfo(stream.streamId))
    }
  })

  test('one list can be iterated more than once, at the same time too', async () => {
    const list = store.events.listStreams({ pageSize: 2, tombstoned: 'include' })
    const collect = async (): Promise<readonly string[]> => {
      const seen: string[] = []
      for await (const stream of list) seen.push(stream.streamId)
      return seen
    }
    expect(await Promise.all([collect(), collect()])).toEqual([ids, ids])
  })

  test('inside a transaction its own streams are listed', async () => {
    await store
      .transaction(async (tx) => {
        await tx.events.append('zz-own', added(1))
        expect(await tx.events.listStreams({ prefix: 'zz' }).toArray()).toHaveLength(1)
      })
      .then(async () => store.events.tombstoneStream('zz-own'))
  })

  test.each<[string, unknown]>([
    ['archived', 'yes'],
    ['tombstoned', null],
    ['category', ''],
    ['prefix', ''],
    ['prefix', 'a\0'],
    ['after', 7],
    ['limit', -1],
    ['pageSize', 0],
  ])('%s of %j is refused', (argument, value) => {
    expect(() => store.events.listStreams({ [argument]: value })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument', argument }) as Error,
    )
  })
})

describe('100,000 streams', () => {
  let pool: CountingPool
  let store: TestStore

  beforeAll(async () => {
    const { schema, ...counted } = await newCountedStore(database.pool)
    ;({ store, pool } = counted)
    await database.query(
      `insert into "${schema}".streams (stream_id, category, version, archived_at)
        select case when n % 2 = 0 then 'order-' else 'customer-' end || n, case when n % 1000 = 0 then 'rare' else 'usual' end,
          1, case when n % 3 = 0 then now() end
        from generate_series(1, 100000) n`,
    )
    await database.query(`vacuum analyze "${schema}".streams`)
  }, 60_000)

  const cases: readonly { readonly options: ListStreamsOptions; readonly bounds: readonly string[] }[] = [
    { options: {}, bounds: [] },
    { options: { archived: 'only' }, bounds: [] },
    { options: { archived: 'exclude', tombstoned: 'include' }, bounds: [] },
    { options: { category: 'usual' }, bounds: [] },
    { options: { after: 'order-5' }, bounds: ['>'] },
    { options: { prefix: 'order-1' }, bounds: ['>=', '<'] },
    { options: { prefix: 'order-1', after: 'order-12' }, bounds: ['>', '>=', '<'] },
    { options: { prefix: 'order-1', category: 'usual', archived: 'exclude' }, bounds: ['>=', '<'] },
  ]

  describe.each([customPlan, ...settledPlans])('$mode', (how) => {
    test.each(cases)('$options walks the primary key, without a sort', async ({ options, bounds }) => {
      const list = () => store.events.listStreams({ ...options, limit: 100 }).toArray()
      const nodes = await planOf(database.pool, await statementOf(pool, list), how)
      expect(nodes.map((node) => node['Node Type'])).toEqual(['Limit', 'Index Scan'])
      const [, scan] = nodes
      expect(scan?.['Index Name']).toBe('streams_pkey')
      // A bound that is only a filter would be tested on every row instead of beginning or ending the walk.
      const condition = scan?.['Index Cond'] ?? ''
      expect(condition.match(/>=|<=|>|</g) ?? []).toEqual(bounds)
      expect(scan?.Filter ?? '').not.toContain('stream_id')
    })
  })

  test('all of them come once, in order', async () => {
    const seen: string[] = []
    for await (const { streamId } of store.events.listStreams({ pageSize: 9_999 })) seen.push(streamId)
    expect(seen).toHaveLength(100_000)
    expect(seen.every((id, index) => index === 0 || (seen[index - 1] as string) < id)).toBe(true)
  })

  test('stopping in the middle leaves no connection lent', async () => {
    for await (const stream of store.events.listStreams({ pageSize: 10 })) if (stream.streamId !== '') break
    expect(pool.lent).toBe(0)
  })
})
