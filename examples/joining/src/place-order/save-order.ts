import type { ClientLike } from '@rillflow/core'
import type { Order, Shop } from '../shop.js'

/** The same as a session: staged whenever you like, written when your transaction is there. */
export async function saveOrder(shop: Shop, client: ClientLike, order: Order): Promise<number | undefined> {
  const session = shop.session()
  session.docs.orders.store(order, { expected: 0 })
  const placed = { type: 'OrderPlaced', data: { total: order.total } } as const
  session.events.append(`order-${order.id}`, [placed], { expected: 'noStream' })
  const saved = await session.saveChanges({ client })
  return saved.events[0]?.position
}
