import { moduleContract, type Module } from '@rillflow/core'
import type { EventFamilies } from './definitions/define-events.js'
import { EventRegistry } from './definitions/event-registry.js'
import type { EventsShape } from './event-store.js'
import { eventsComponent } from './events-component.js'
import type { EventsOptions } from './events-options.js'
import { eventsModule } from './events-service.js'
import { installEvents } from './install-events.js'

/**
 * The event store as a module: append-only streams, and a feed that never skips an event.
 *
 * @throws InvalidConfig when two families define one event type, and when the upcasters make no sense together.
 *
 * @example
 * ```ts
 * import { createStore, typed } from '@rillflow/core'
 * import { defineEvents, events } from '@rillflow/events'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { events: events({ order: OrderEvents }) },
 * })
 * await store.events.append('order-1', [{ type: 'OrderPlaced', data: { total: 9 } }], { expected: 'noStream' })
 * for await (const event of store.events.readStream('order-1')) console.log(event.version, event.type)
 * ```
 */
export function events<const Families extends EventFamilies>(
  families: Families,
  options: EventsOptions = {},
): Module<EventsShape<Families>> {
  const registry = new EventRegistry(families, options.unknownTypes, options)
  return {
    name: eventsModule.name,
    contract: moduleContract,
    components: [eventsComponent(options.indexes ?? [])],
    install: (host) => installEvents<Families>(host, registry, options),
  }
}
