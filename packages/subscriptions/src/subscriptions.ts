import { moduleContract, type Module } from '@rillflow/core'
import { eventsModule } from '@rillflow/events'
import { consumersComponent } from './consumers-component.js'
import { installSubscriptions } from './install-subscriptions.js'
import type { SubscriptionsShape } from './subscription-store.js'

/**
 * Durable subscriptions as a module, beside the module of events that they follow.
 *
 * @example
 * ```ts
 * import { createStore, typed } from '@rillflow/core'
 * import { defineEvents, events } from '@rillflow/events'
 * import { subscriptions } from '@rillflow/subscriptions'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { events: events({ order: OrderEvents }), subscriptions: subscriptions() },
 * })
 * await store.close()
 * ```
 */
export function subscriptions(): Module<SubscriptionsShape> {
  return {
    name: '@rillflow/subscriptions',
    contract: moduleContract,
    requires: [eventsModule],
    components: [consumersComponent],
    install: installSubscriptions,
  }
}
