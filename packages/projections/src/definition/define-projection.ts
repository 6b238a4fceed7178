import type { Migration, StandardSchemaV1 } from '@rillflow/core'
import type { EventFamily, StoredEvent } from '@rillflow/events'
import type { AnyProjection, FoldOne } from './any-projection.js'
import { checkProjection } from './check-projection.js'
import { foldInMemory } from './fold-in-memory.js'
import type {
  ProjectedEvent,
  Projection,
  ProjectionFilter,
  ProjectionHandlers,
  ProjectionKey,
  ProjectionMode,
  ProjectionTarget,
  ProjectionTransaction,
} from './projection.js'

/** What every projection has. */
interface CommonOptions<Families extends readonly EventFamily[], Mode extends ProjectionMode> {
  /** Grows when what is stored must be built anew: another shape, or another meaning of the events. */
  readonly version: number
  /** `async` unless told. */
  readonly mode?: Mode | undefined
  /** Families whose events it may read. */
  readonly from: Families
  /** Which events, beside their types; all of them unless told. */
  readonly filter?: ProjectionFilter | undefined
  /** Its tables: numbered migrations, as a component of its own. None unless told. */
  readonly migrations?: readonly Migration[] | undefined
}

type EventOf<Families extends readonly EventFamily[]> = ProjectedEvent<Families[number]>

/** A projection that folds events into documents. */
export interface FoldOptions<
  Families extends readonly EventFamily[],
  Schema extends StandardSchemaV1,
  Mode extends ProjectionMode,
> extends CommonOptions<Families, Mode> {
  /** A collection of `defineCollection`, or a table of `toTable`. What its schema makes of a document is stored. */
  readonly to: ProjectionTarget<Schema>
  /** The documents that an event changes; the one of its stream's id unless told. */
  readonly key?: ((event: NoInfer<EventOf<Families>>) => ProjectionKey) | undefined
  /** A function for each type of event that matters; events of other types are not read. */
  readonly on: NoInfer<ProjectionHandlers<EventOf<Families>, Schema>>
  readonly tables?: undefined
  readonly types?: undefined
  readonly handle?: undefined
}

/** A projection that writes by SQL of its own. */
export interface HandlerOptions<
  Families extends readonly EventFamily[],
  Table extends string,
  Type extends EventOf<Families>['type'],
  Mode extends ProjectionMode,
> extends CommonOptions<Families, Mode> {
  /** The tables that it writes, in the store's schema. No other projection may write them. */
  readonly tables: readonly Table[]
  /** The types of events that it reads; those of all its families unless told. */
  readonly types?: readonly Type[] | undefined
  /** Projects one event, behind the one before. What it writes by `tx` is stored with the event's being done. */
  readonly handle: (
    event: NoInfer<Extract<EventOf<Families>, { readonly type: Type }>>,
    tx: ProjectionTransaction<NoInfer<Table>>,
  ) => Promise<void>
  readonly to?: undefined
  readonly key?: undefined
  readonly on?: undefined
}

/**
 * Defines a projection: how events become documents, or rows. A plain value, to put into `projections([…])`.
 *
 * @throws InvalidConfig that names the projection and what is wrong with it.
 *
 * @example
 * ```ts
 * import { defineCollection } from '@rillflow/documents'
 * import { defineEvents } from '@rillflow/events'
 * import { defineProjection } from '@rillflow/projections'
 * import { z } from 'zod'
 *
 * const OrderEvents = defineEvents('order', {
 *   OrderPlaced: z.object({ total: z.number() }),
 *   OrderCancelled: z.object({}),
 * })
 * const Summary = defineCollection('order-summaries', { schema: z.object({ id: z.string(), total: z.number() }) })
 * const OrderSummary = defineProjection('order-summary', {
 *   version: 1,
 *   mode: 'inline',
 *   from: [OrderEvents],
 *   to: Summary,
 *   on: {
 *     OrderPlaced: (_, event) => ({ id: event.streamId, total: event.data.total }),
 *     OrderCancelled: () => undefined, // deletes
 *   },
 * })
 * ```
 */
export function defineProjection<
  const Families extends readonly EventFamily[],
  Schema extends StandardSchemaV1,
  const Mode extends ProjectionMode = 'async',
>(
  name: string,
  options: FoldOptions<Families, Schema, Mode>,
): Projection<StandardSchemaV1.InferOutput<Schema>, Mode, Families>
export function defineProjection<
  const Families extends readonly EventFamily[],
  const Table extends string,
  const Type extends EventOf<Families>['type'] = EventOf<Families>['type'],
  const Mode extends Exclude<ProjectionMode, 'live'> = 'async',
>(name: string, options: HandlerOptions<Families, Table, Type, Mode>): Projection<undefined, Mode, Families>
export function defineProjection(name: string, given: object): Projection {
  checkProjection(name, given)
  const options = given as AnyOptions
  const { version, mode = 'async', from, filter, migrations = [] } = options
  const common = { name, version, mode, from, filter, migrations }
  const made: AnyProjection =
    options.on === undefined
      ? { ...common, kind: 'handler', types: typesOf(options, from), tables: options.tables, handle: options.handle }
      : {
          ...common,
          kind: 'fold',
          types: Object.keys(options.on),
          to: options.to,
          byStream: options.key === undefined,
          key: options.key ?? ((event) => event.streamId),
          on: options.on,
          fold(docs, events) {
            return foldInMemory(this, docs, events)
          },
        }
  return made
}

function typesOf({ types }: { readonly types?: readonly string[] | undefined }, from: readonly EventFamily[]) {
  return [...new Set(types ?? from.flatMap(({ schemas }) => Object.keys(schemas)))]
}

/** The options of either kind, once they are known to fit. */
type AnyOptions = CommonOptions<readonly EventFamily[], ProjectionMode> &
  (
    | {
        readonly on: Readonly<Record<string, FoldOne>>
        readonly to: ProjectionTarget
        readonly key?: ((event: StoredEvent) => ProjectionKey) | undefined
      }
    | {
        readonly on?: undefined
        readonly types?: readonly string[] | undefined
        readonly tables: readonly string[]
        readonly handle: (event: StoredEvent, tx: ProjectionTransaction) => Promise<void>
      }
  )
