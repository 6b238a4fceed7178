import type { OrderEvent } from '../../stores/events/order-events.js'

/** What the orders of one stream come to: the state that every contender folds. */
export interface OrderTotals {
  readonly orders: number
  readonly total: number
  readonly quantity: number
  readonly lastOrder: string
}

/** The state before the first event. */
export function noOrders(): OrderTotals {
  return { orders: 0, total: 0, quantity: 0, lastOrder: '' }
}

/** The state after one more event: the same fold for every contender. */
export function withOrder(totals: OrderTotals, { data }: Pick<OrderEvent, 'data'>): OrderTotals {
  return {
    orders: totals.orders + 1,
    total: totals.total + data.total,
    quantity: totals.quantity + data.lines.reduce((sum, line) => sum + line.quantity, 0),
    lastOrder: data.orderId,
  }
}
