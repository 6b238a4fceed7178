import { createStore, typed } from '@rillflow/core'
import { defineEvents, events, parseExport, type ImportEvent } from '../src/index.js'

const store = createStore({
  connection: 'postgres://',
  modules: {
    events: events({
      order: defineEvents('order', { OrderPlaced: typed<{ total: number }>(), OrderShipped: typed<{ by: string }>() }),
    }),
  },
})

// Type and data are a pair.
void store.events.import([{ streamId: 'o', type: 'OrderPlaced', data: { total: 1 }, version: 1 }])
// @ts-expect-error: data of another type
void store.events.import([{ streamId: 'o', type: 'OrderPlaced', data: { by: 'x' } }])
// @ts-expect-error: no such type
void store.events.import([{ streamId: 'o', type: 'Strange', data: {} }])
// @ts-expect-error: no stream
void store.events.import([{ type: 'OrderPlaced', data: { total: 1 } }])

async function* rows(): AsyncGenerator<ImportEvent> {
  yield { streamId: 'o', type: 'OrderPlaced', data: { total: 1 }, createdAt: new Date() }
}
void store.events.import(rows(), { validate: true })
void store.events.import(parseExport(store.events.export()), { validate: false, name: 'move' })
// @ts-expect-error: of types that are not known here it must be said whether they are validated
void store.events.import(rows())

void store.events.export({ filter: { types: ['OrderPlaced'] }, tombstoned: 'exclude' })
// @ts-expect-error: no such type
void store.events.export({ filter: { types: ['Strange'] } })
// @ts-expect-error: an export goes forward
void store.events.export({ direction: 'backward' })

// @ts-expect-error: many batches are many transactions
void store.transaction((tx) => tx.events.import([]))
