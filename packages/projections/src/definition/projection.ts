import type { Migration, SqlTag, StandardSchemaV1 } from '@rillflow/core'
import type { EventFamily, EventFilter, StoredEvent, StoredEventIn } from '@rillflow/events'
import type { DeepReadonly } from './deep-readonly.js'

/**
 * When events are projected: `async` by workers, behind the append; `inline` in the transaction of the append; `live` when
 * somebody reads, and nothing is stored.
 */
export type ProjectionMode = 'async' | 'inline' | 'live'

/** Which events of its types a projection reads. What is named must all hold. */
export type ProjectionFilter = Pick<EventFilter, 'categories' | 'streamIds' | 'streamPrefix'>

/** Where documents go: a collection, a table, or for live ones anything that has a schema. */
export interface ProjectionTarget<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  readonly name: string
  readonly schema: Schema
}

/** The documents that an event changes: the key of one, those of several, or undefined when it is none's business. */
export type ProjectionKey = string | readonly string[] | undefined

/** The events of a family, as they are read. */
export type ProjectedEvent<Family extends EventFamily> =
  Family extends EventFamily<infer Schemas> ? StoredEventIn<Schemas> : never

/**
 * For each type that is read, the document after an event, from the document before it: undefined where there is none yet,
 * and to delete it; the same one to leave it as it is. It must change neither, and takes no time: a promise is refused. The
 * key is told too, for an event that changes several documents.
 */
export type ProjectionHandlers<Event extends StoredEvent, Schema extends StandardSchemaV1> = {
  readonly [Type in Event['type']]?: (
    doc: DeepReadonly<StandardSchemaV1.InferOutput<Schema>> | undefined,
    event: Extract<Event, { readonly type: Type }>,
    key: string,
  ) => DeepReadonly<StandardSchemaV1.InferInput<Schema>> | undefined
}

/** What a handler writes with: part of the transaction that the event is projected in. */
export interface ProjectionTransaction<Table extends string = string> {
  /** Runs SQL; every `${value}` is bound as a parameter, so the name of a table cannot be one: see `query`. */
  readonly sql: SqlTag
  /** Runs SQL whose text is made elsewhere, with the values of `$1`, `$2` … */
  query<Row = Readonly<Record<string, unknown>>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /**
   * A table of the projection as it stands in SQL: with its schema, quoted; and while the projection is rebuilt, the table
   * that takes its place afterwards.
   *
   * @throws InvalidArgument for a table that the projection does not name.
   */
  table(name: Table): string
}

/** A projection, made by `defineProjection`. */
export interface Projection<
  Doc = unknown,
  Mode extends ProjectionMode = ProjectionMode,
  Families extends readonly EventFamily[] = readonly EventFamily[],
> {
  readonly name: string
  readonly version: number
  readonly mode: Mode
  /** Families whose events it may read. */
  readonly from: Families
  /** The types of the events that it reads. */
  readonly types: readonly string[]
  readonly filter: ProjectionFilter | undefined
  readonly migrations: readonly Migration[]
  /** Never there; it carries the type. */
  readonly doc?: Doc | undefined
}
