import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newApplier, storedEvents } from './support/probe.js'
import { added, tallies, tallyLines, tallyRows } from './support/tally.js'

const database = useDatabase()

const key = fc.constantFrom('a', 'b', 'c', 'd')
const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 3 })
const anEvent = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('Added'), data: fc.record({ n: fc.integer(), to: keys }) }) },
  fc.record({ type: fc.constantFrom('Reset', 'Kept'), data: fc.record({ to: keys }) }),
)
/** Events, and how many of them each batch takes. */
const aRun = fc.record({
  list: fc.array(anEvent, { minLength: 1, maxLength: 12 }),
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 12, maxLength: 12 }),
})

const kinds = [
  ['documents', tallies('async')],
  ['rows', tallyRows('async')],
] as const

describe.each(kinds)('%s', (kind, projection) => {
  test('in batches of any size what comes out is what one event after the other makes', async () => {
    const { apply, schema } = await newApplier(database.pool, projection)
    const shadow = `"tally_rows~rebuild"`
    if (kind === 'rows')
      await database.query(`create table ${schema}.${shadow} (like ${schema}.tally_rows including all)`)
    const found = async (inShadow: boolean): Promise<readonly object[]> => {
      const table = inShadow ? shadow : 'tally_rows'
      const text =
        kind === 'rows'
          ? `select to_jsonb(t) as it from ${schema}.${table} t order by name collate "C"`
          : `select doc as it from ${schema}.docs where (collection = 'tallies') <> ${String(inShadow)} order by id`
      return (await database.query<{ it: object }>(text)).rows.map(({ it }) => it)
    }
    let some = 0
    await fc.assert(
      fc.asyncProperty(aRun, async ({ list, sizes }) => {
        const events = storedEvents(list)
        for (const event of events) await apply([event])
        // In the place where a rebuild writes, so that the two can stand side by side.
        for (let from = 0, batch = 0; from < events.length; from += sizes[batch++] ?? 1) {
          await apply(events.slice(from, from + (sizes[batch] ?? 1)), true)
        }
        const oneByOne = await found(false)
        some += oneByOne.length
        expect(await found(true)).toEqual(oneByOne)
      }),
      { numRuns: 40 },
    )
    expect(some).toBeGreaterThan(0)
  })
})

test('a batch that is larger than a statement is written whole', async () => {
  const { apply, schema } = await newApplier(database.pool, tallyRows('async'))
  const ids = Array.from({ length: 2_500 }, (_, n) => `key-${n}`)
  await apply(storedEvents([added(1, ...ids), added(2, ...ids.slice(1_200))]))
  const { rows } = await database.query(`select sum, count(*)::int from ${schema}.tally_rows group by 1 order by 1`)
  expect(rows).toEqual([
    { sum: 1, count: 1_200 },
    { sum: 3, count: 1_300 },
  ])
  await apply(storedEvents([{ type: 'Reset', data: { to: ids } }]))
  expect((await database.query(`select from ${schema}.tally_rows`)).rowCount).toBe(0)
})

test('a handler writes where it is told to, one event behind the other', async () => {
  const { apply, schema } = await newApplier(database.pool, tallyLines('async'))
  await database.query(`create table ${schema}."tally_lines~rebuild" (like ${schema}.tally_lines)`)
  const events = storedEvents([added(1), { type: 'Kept', data: {} }, added(2)])
  await apply(events)
  await apply(events.slice(2), true)
  const n = async (table: string): Promise<unknown> =>
    (await database.query<{ n: number }>(`select n from ${schema}.${table} order by place`)).rows.map((row) => row.n)
  expect(await n('tally_lines')).toEqual([1, 2])
  expect(await n('"tally_lines~rebuild"')).toEqual([2])
})
