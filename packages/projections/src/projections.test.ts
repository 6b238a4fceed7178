import { createStore, typed } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { expect, test } from 'vitest'
import { defineProjection } from './definition/define-projection.js'
import type { Projection } from './definition/projection.js'
import { toTable } from './definition/to-table.js'
import { projections } from './projections.js'

const Notes = defineEvents('note', { Noted: typed<object>() })
const Summary = defineCollection('summaries', { schema: typed<{ id: string }>() })
const Rows = toTable('rows', { key: 'id', schema: typed<{ id: string }>() })
const on = { Noted: () => ({ id: 'a' }) }
const into = (name: string, to: typeof Summary | typeof Rows): Projection =>
  defineProjection(name, { version: 1, from: [Notes], to, on })
const handling = (name: string, ...tables: string[]): Projection =>
  defineProjection(name, { version: 1, from: [Notes], tables, handle: async () => {} })

test.each<readonly [what: string, list: readonly Projection[], message: RegExp]>([
  ['of one name', [into('one', Summary), into('one', Rows)], /two projections are called one/],
  [
    'into one collection',
    [into('one', Summary), into('two', Summary)],
    /one and two both write the collection summaries/,
  ],
  ['into one table', [into('one', Rows), into('two', Rows)], /one and two both write the table rows/],
  ['into a table of a handler', [handling('one', 'a', 'rows'), into('two', Rows)], /both write the table rows/],
  ['of two handlers', [handling('one', 'a'), handling('two', 'b', 'a')], /both write the table a/],
])('two %s are refused', (_, list, message) => {
  expect(() => projections(list)).toThrow(expect.objectContaining({ code: 'InvalidConfig' }) as Error)
  expect(() => projections(list)).toThrow(message)
})

test('what defineProjection has not made is refused', () => {
  expect(() => projections([{ name: 'one' } as Projection])).toThrow(/defineProjection has not made/)
})

test('a live one writes nothing, so it may have the target of another', () => {
  const live = defineProjection('live', { version: 1, mode: 'live', from: [Notes], to: Summary, on })
  expect(projections([live]).requires?.map(({ name }) => name)).toEqual(['@rillflow/events'])
  expect(() => projections([live, into('one', Summary)])).not.toThrow()
})

test('documents are needed by those that write them, with the collection', () => {
  const connection = 'postgres://localhost:1/nowhere'
  const make = (modules: Parameters<typeof createStore>[0]['modules']): unknown =>
    createStore({ connection, modules: { events: events({ note: Notes }), ...modules } })
  expect(() => make({ projections: projections([into('one', Rows)]) })).not.toThrow()
  expect(() => make({ projections: projections([into('one', Summary)]) })).toThrow(/builds on @rillflow\/documents/)
  expect(() => make({ docs: documents({}), projections: projections([into('one', Summary)]) })).toThrow(
    /The projection one writes to the collection "summaries", which this store does not have/,
  )
})

test('migrations are a component of their own', () => {
  const migrations = [{ number: 1, name: 'rows', sql: 'create table :"schema".rows (id text)' }]
  const one = defineProjection('one', { version: 1, from: [Notes], to: Rows, on, migrations })
  expect(projections([one, into('two', Summary)]).components).toContainEqual({ module: 'projection_one', migrations })
})
