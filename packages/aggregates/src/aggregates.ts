import { moduleContract, type InstalledModule, type Module, type ModuleHost, type Scope } from '@rillflow/core'
import { eventsModule } from '@rillflow/events'
import createSnapshots from '../sql/0001_snapshots.sql'
import type { AggregatesShape } from './aggregate-store.js'
import { storeApi, transactionApi } from './install-aggregates.js'
import { Lanes } from './operations/lanes.js'
import { aggregatesSession } from './session/session-part.js'

/** How aggregates work in a process. */
export interface AggregatesOptions {
  /**
   * Freezes every state, so that code that changes one fails where it does so. True unless `NODE_ENV` is `production`.
   */
  readonly freezeStates?: boolean | undefined
}

/**
 * Aggregates as a module, beside the module of events that they are made of.
 *
 * @example
 * ```ts
 * import { aggregates } from '@rillflow/aggregates'
 * import { createStore, typed } from '@rillflow/core'
 * import { defineEvents, events } from '@rillflow/events'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { events: events({ order: OrderEvents }), aggregates: aggregates() },
 * })
 * await store.close()
 * ```
 */
export function aggregates(options: AggregatesOptions = {}): Module<AggregatesShape> {
  const freeze = options.freezeStates ?? process.env['NODE_ENV'] !== 'production'
  return {
    name: '@rillflow/aggregates',
    contract: moduleContract,
    requires: [eventsModule],
    components: [
      {
        module: 'aggregates',
        migrations: [{ number: 1, name: 'snapshots', sql: createSnapshots }],
        // For the snapshotter. It costs an append only where a stream begins.
        indexes: [
          {
            name: 'streams_category_stream_id_idx',
            definition: 'on :"schema".streams (category, stream_id)',
            unique: false,
          },
        ],
      },
    ],
    install: (host) => installAggregates(host, freeze),
  }
}

function installAggregates({ logger }: ModuleHost, freeze: boolean): InstalledModule<AggregatesShape> {
  const lanes = new Lanes()
  const how = { logger, freeze }
  return {
    store: (scope: Scope, siblings) => storeApi(scope, siblings.find(eventsModule), { ...how, lanes }),
    transaction: (scope, siblings) => transactionApi(scope, siblings.find(eventsModule), how),
    session: (scope, siblings) => aggregatesSession(scope, siblings, how),
  }
}
