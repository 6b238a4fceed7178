import type { OrderData } from '../../stores/events/order-events.js'
import { noOrders, withOrder, type OrderTotals } from '../aggregates/order-fold.js'

/** The document that every contender keeps: what the events of one key come to. */
export interface OrderSummary extends OrderTotals {
  readonly id: string
}

/** What documents are about: an order each, which is a stream, or a customer. */
export type SummaryBy = 'order' | 'customer'

/** What is projected. */
export interface SummaryCase {
  readonly name: string
  readonly by: SummaryBy
}

/** The same feed, projected to many documents, and to few. */
export const SUMMARY_CASES: readonly SummaryCase[] = [
  { name: '23,000 keys', by: 'order' },
  { name: '1,000 hot keys', by: 'customer' },
]

/** The document after one more event: the same fold for every contender. */
export function withEvent(doc: OrderTotals | undefined, id: string, event: { readonly data: OrderData }): OrderSummary {
  return { id, ...withOrder(doc ?? noOrders(), event) }
}
