import { InvalidConfigError, moduleContract, type Module, type SchemaComponent } from '@rillflow/core'
import { eventsModule } from '@rillflow/events'
import { consumersComponent } from '@rillflow/subscriptions'
import { collectionOf, insideOf, tablesOf, type AnyProjection } from './definition/any-projection.js'
import type { Projection } from './definition/projection.js'
import { installProjections } from './install-projections.js'
import type { ProjectionsShape } from './projection-store.js'
import { documentsModule } from './targets/documents-like.js'

/** How projections work in a process. */
export interface ProjectionsOptions {
  /**
   * Freezes each document before a handler sees it, so that code that changes one fails where it does so. True unless
   * `NODE_ENV` is `production`.
   */
  readonly freezeDocs?: boolean | undefined
}

/**
 * Projections as a module, beside the module of events that they read, and that of the documents that they write.
 *
 * @throws InvalidConfig for two projections of one name, and for two that write one collection or table.
 *
 * @example
 * ```ts
 * import { createStore, typed } from '@rillflow/core'
 * import { defineCollection, documents } from '@rillflow/documents'
 * import { defineEvents, events } from '@rillflow/events'
 * import { defineProjection, projections } from '@rillflow/projections'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
 * const Summary = defineCollection('order-summaries', { schema: typed<{ id: string; total: number }>() })
 * const OrderSummary = defineProjection('order-summary', {
 *   version: 1,
 *   mode: 'inline',
 *   from: [OrderEvents],
 *   to: Summary,
 *   on: { OrderPlaced: (_, event) => ({ id: event.streamId, total: event.data.total }) },
 * })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: {
 *     events: events({ order: OrderEvents }),
 *     docs: documents({ summaries: Summary }),
 *     projections: projections([OrderSummary]),
 *   },
 * })
 * await store.close()
 * ```
 */
export function projections(list: readonly Projection[], options: ProjectionsOptions = {}): Module<ProjectionsShape> {
  const inside = list.map(checkInside)
  checkTogether(inside)
  const freeze = options.freezeDocs ?? process.env['NODE_ENV'] !== 'production'
  const writesDocuments = inside.some((one) => collectionOf(one) !== undefined)
  return {
    name: '@rillflow/projections',
    contract: moduleContract,
    requires: writesDocuments ? [eventsModule, documentsModule] : [eventsModule],
    components: [consumersComponent, ...inside.flatMap(componentOf)],
    install: (host) => installProjections(host, inside, { freeze, writesDocuments }),
  }
}

function checkInside(projection: Projection): AnyProjection {
  const inside = insideOf(projection)
  if (inside !== undefined) return inside
  throw new InvalidConfigError('projections([…]): the list holds something that defineProjection has not made.')
}

function checkTogether(list: readonly AnyProjection[]): void {
  const names = new Set<string>()
  const writers = new Map<string, string>()
  for (const projection of list) {
    const { name } = projection
    if (names.has(name))
      throw new InvalidConfigError(`projections([…]): two projections are called ${name}; rename one.`)
    names.add(name)
    const collection = collectionOf(projection)
    const targets = [
      ...(collection === undefined ? [] : [`the collection ${collection}`]),
      ...tablesOf(projection).map((table) => `the table ${table}`),
    ]
    for (const target of targets) {
      const other = writers.get(target)
      if (other !== undefined) {
        throw new InvalidConfigError(
          `projections([…]): ${other} and ${name} both write ${target}, and neither could be rebuilt. Give each its own.`,
        )
      }
      writers.set(target, name)
    }
  }
}

function componentOf({ name, migrations }: AnyProjection): readonly SchemaComponent[] {
  return migrations.length === 0 ? [] : [{ module: `projection_${name}`, migrations }]
}
