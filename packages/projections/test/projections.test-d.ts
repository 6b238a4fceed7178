import { createStore, typed } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events, type StoredEvent } from '@rillflow/events'
import {
  defineProjection,
  projections,
  toTable,
  type DeepReadonly,
  type Projection,
  type ProjectionTransaction,
} from '@rillflow/projections'
import { givenEvents } from '@rillflow/testing'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ total: z.string().transform(Number), tags: z.array(z.string()) }),
  OrderCancelled: typed<{ why: string }>(),
})
const NoteEvents = defineEvents('note', { Noted: typed<{ text: string }>() })

const Summary = defineCollection('summaries', {
  schema: z.object({ id: z.string(), total: z.number(), tags: z.array(z.string()), state: z.string().default('open') }),
})
interface SummaryDoc {
  id: string
  total: number
  tags: string[]
  state: string
}

const OrderSummary = defineProjection('order-summary', {
  version: 1,
  from: [OrderEvents, NoteEvents],
  to: Summary,
  filter: { streamPrefix: 'order-', categories: undefined },
  key: (event) => {
    expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderCancelled' | 'Noted'>()
    if (event.type === 'Noted') return event.data.text.split(' ')
    return event.type === 'OrderCancelled' ? undefined : event.streamId
  },
  on: {
    // What comes in is what the schemas give, what goes out what they take.
    OrderPlaced: (doc, event) => {
      expectTypeOf(doc).toEqualTypeOf<DeepReadonly<SummaryDoc> | undefined>()
      expectTypeOf(event).toEqualTypeOf<StoredEvent<'OrderPlaced', { total: number; tags: string[] }>>()
      // @ts-expect-error: a document is not changed in place
      if (doc !== undefined) doc.total = 1
      // @ts-expect-error: however deep
      doc?.tags.push('a')
      return { id: event.streamId, total: event.data.total, tags: doc?.tags ?? event.data.tags }
    },
    OrderCancelled: () => undefined,
    Noted: (doc) => doc,
  },
})
expectTypeOf(OrderSummary).toEqualTypeOf<
  Projection<SummaryDoc, 'async', readonly [typeof OrderEvents, typeof NoteEvents]>
>()

// The handlers are those of some of the events, and give documents.
const common = { version: 1, from: [OrderEvents, NoteEvents], to: Summary } as const
const summary = { id: 'a', total: 1, tags: [] }
void defineProjection('a', { ...common, on: { Noted: () => summary } })
// @ts-expect-error: none of its families has this type
void defineProjection('a', { ...common, on: { OrderLost: () => summary } })
// @ts-expect-error: that is no document
void defineProjection('a', { ...common, on: { Noted: () => ({ id: 'a' }) } })
// @ts-expect-error: nothing given is no way to delete; undefined is
void defineProjection('a', { ...common, on: { Noted: () => {} } })
// @ts-expect-error: a handler takes no time
void defineProjection('a', { ...common, on: { Noted: async () => Promise.resolve(summary) } })
// @ts-expect-error: the data is that of the event
void defineProjection('a', { ...common, on: { Noted: (_, { data }) => ({ ...summary, total: data.total }) } })
// @ts-expect-error: no such mode
void defineProjection('a', { ...common, mode: 'eager', on: { Noted: () => summary } })
// @ts-expect-error: a projection has a version
void defineProjection('a', { from: [NoteEvents], to: Summary, on: { Noted: () => summary } })
// @ts-expect-error: a key is text
void defineProjection('a', { ...common, key: () => 7, on: { Noted: () => summary } })
// @ts-expect-error: no such filter; the types are those of `on`
void defineProjection('a', { ...common, filter: { types: ['Noted'] }, on: { Noted: () => summary } })
// @ts-expect-error: either documents or tables
void defineProjection('a', { ...common, tables: ['t'], on: { Noted: () => summary } })

// Rows of a table.
const Totals = toTable('totals', { key: 'order_id', schema: z.object({ order_id: z.string(), total: z.number() }) })
// @ts-expect-error: the key is a column
void toTable('totals', { key: 'id', schema: z.object({ order_id: z.string() }) })
const OrderTotals = defineProjection('order-totals', {
  version: 2,
  mode: 'inline',
  from: [OrderEvents],
  to: Totals,
  on: { OrderPlaced: (row, { streamId, data }) => ({ order_id: streamId, total: (row?.total ?? 0) + data.total }) },
})
expectTypeOf(OrderTotals).toEqualTypeOf<
  Projection<{ order_id: string; total: number }, 'inline', readonly [typeof OrderEvents]>
>()

// Handlers.
const Audit = defineProjection('audit', {
  version: 1,
  from: [OrderEvents, NoteEvents],
  tables: ['audit_lines', 'audit_heads'],
  types: ['OrderPlaced', 'Noted'],
  migrations: [{ number: 1, name: 'lines', sql: 'create table :"schema".audit_lines (id text)' }],
  handle: async (event, tx) => {
    expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'Noted'>()
    if (event.type === 'Noted') expectTypeOf(event.data).toEqualTypeOf<{ text: string }>()
    expectTypeOf(tx).toEqualTypeOf<ProjectionTransaction<'audit_lines' | 'audit_heads'>>()
    await tx.sql`select ${event.streamId}`
    await tx.query(`insert into ${tx.table('audit_lines')} values ($1)`, [event.id])
    // @ts-expect-error: no such table
    tx.table('audit_notes')
  },
})
expectTypeOf(Audit).toEqualTypeOf<Projection<undefined, 'async', readonly [typeof OrderEvents, typeof NoteEvents]>>()
void defineProjection('audit', {
  version: 1,
  from: [OrderEvents],
  tables: ['a'],
  handle: async (event) => {
    expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderCancelled'>()
  },
})
// @ts-expect-error: none of its families has this type
void defineProjection('a', { version: 1, from: [NoteEvents], tables: ['a'], types: ['Lost'], handle: async () => {} })
// @ts-expect-error: a live one stores nothing
void defineProjection('a', { version: 1, mode: 'live', from: [NoteEvents], tables: ['a'], handle: async () => {} })

const OrderView = defineProjection('order-view', {
  version: 1,
  mode: 'live',
  from: [OrderEvents],
  to: { name: 'order-view', schema: typed<{ lines: string[] }>() },
  on: { OrderPlaced: (doc, { data }) => ({ lines: [...(doc?.lines ?? []), ...data.tags] }) },
})

const store = createStore({
  connection: process.env['DATABASE_URL'],
  modules: {
    events: events({ order: OrderEvents, note: NoteEvents }),
    docs: documents({ summaries: Summary }),
    projections: projections([OrderSummary, OrderTotals, Audit, OrderView], { freezeDocs: undefined }),
  },
})
expectTypeOf(await store.projections.live(OrderView, 'order-1')).toEqualTypeOf<
  { readonly lines: readonly string[] } | undefined
>()
await store.transaction(async (tx) => {
  expectTypeOf(await tx.projections.live(OrderView, 'a')).toEqualTypeOf<DeepReadonly<{ lines: string[] }> | undefined>()
})
// @ts-expect-error: what an async projection makes is stored
void store.projections.live(OrderSummary, 'order-1')
// @ts-expect-error: projections stage nothing
void store.session().projections

// A scenario knows the events of a projection, and its documents.
void givenEvents(OrderTotals, [{ streamId: 'a', type: 'OrderPlaced', data: { total: '1', tags: [] } }]).thenDocument(
  'a',
  {
    order_id: 'a',
    total: 1,
  },
)
// @ts-expect-error: data of another type
void givenEvents(OrderTotals, [{ streamId: 'a', type: 'OrderPlaced', data: { total: 1, tags: [] } }])
