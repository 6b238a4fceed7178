import type { ClientLike } from '@rillflow/core'
import type { Order, Shop } from '../shop.js'

/** Rillflow's part: a document and an event, in the transaction that `client` is in. */
export async function storeOrder(shop: Shop, client: ClientLike, order: Order): Promise<void> {
  await shop.transaction({ client }, async (tx) => {
    await tx.docs.orders.put(order, { expected: 0 })
    const placed = { type: 'OrderPlaced', data: { total: order.total } } as const
    await tx.events.append(`order-${order.id}`, [placed], { expected: 'noStream' })
  })
}
