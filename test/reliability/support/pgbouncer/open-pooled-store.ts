import { aggregates, defineAggregate } from '@rillflow/aggregates'
import { createStore, singleTenant, typed, type ConnectionOptions } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events, type EventsOptions } from '@rillflow/events'
import { defineProjection, projections } from '@rillflow/projections'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'

interface Account {
  readonly id: string
  readonly balance: number
}

const CounterEvents = defineEvents('counter', { Added: typed<{ n: number }>() })
const accounts = defineCollection('accounts', { schema: typed<Account>() })
const totals = defineCollection('totals', { schema: typed<Account>() })

/** A counter that keeps a snapshot of every third event. */
export const Counter = defineAggregate('counter', {
  events: CounterEvents,
  initial: () => ({ sum: 0 }),
  evolve: { Added: ({ sum }, { data }) => ({ sum: sum + data.n }) },
  commands: { add: (_, n: number) => [{ type: 'Added', data: { n } }] },
  snapshot: { every: 3, version: 1 },
})

/** Follows all counters. */
export const Additions = defineSubscription('additions', { from: [CounterEvents] })

/** Each counter's sum, brought on by workers. */
const Totals = defineProjection('totals', {
  version: 1,
  from: [CounterEvents],
  to: totals,
  on: { Added: (total, { streamId, data }) => ({ id: streamId, balance: (total?.balance ?? 0) + data.n }) },
})

/** A store with a module of each kind, made for a pooler unless the options say otherwise. */
export function openPooledStore(connection: ConnectionOptions, schema: string, options: EventsOptions = {}) {
  return createStore({
    connection,
    tenancy: singleTenant({ schema }),
    modules: {
      docs: documents({ accounts, totals }),
      events: events({ counter: CounterEvents }, { wakeUps: false, outcomeTimeout: 500, ...options }),
      aggregates: aggregates(),
      subscriptions: subscriptions(),
      projections: projections([Totals]),
    },
  })
}

export type PooledStore = ReturnType<typeof openPooledStore>

/** So many events, the first of which adds 1, the next 2 … */
export function added(count: number): { type: 'Added'; data: { n: number } }[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'Added', data: { n: index + 1 } }))
}
