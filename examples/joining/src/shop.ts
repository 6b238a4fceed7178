import { createStore, typed, type PoolLike } from '@rillflow/core'
import { defineCollection, documents, index } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'

/** An order as it is kept in a document. */
export interface Order {
  readonly id: string
  readonly reference: string
  readonly total: number
  readonly note?: string
}

const Orders = defineCollection('orders', {
  schema: typed<Order>(),
  indexes: [index('reference', { unique: true })],
})

const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number; note?: string }>() })

/** A store on a pool that the rest of the program uses too. */
export function openShop(pool: PoolLike) {
  return createStore({
    connection: { pool },
    modules: { docs: documents({ orders: Orders }), events: events({ order: OrderEvents }) },
  })
}

export type Shop = ReturnType<typeof openShop>
