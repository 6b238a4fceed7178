import type { StoredEvent } from '@rillflow/events'
import type { Projection, ProjectionKey, ProjectionTarget, ProjectionTransaction } from './projection.js'
import type { TableTarget } from './to-table.js'

/** A handler of a fold, as it is called. */
export type FoldOne = (doc: unknown, event: StoredEvent, key: string) => unknown

/** A projection that folds events into documents by key. */
export interface FoldProjection extends Projection {
  readonly kind: 'fold'
  readonly to: ProjectionTarget | TableTarget
  readonly key: (event: StoredEvent) => ProjectionKey
  /** Whether the key is the id of the stream, and so known before the event is. */
  readonly byStream: boolean
  readonly on: Readonly<Record<string, FoldOne>>
  /** Folds without a store; what `@rillflow/testing` takes a projection by. */
  fold(docs: ReadonlyMap<string, unknown>, events: readonly StoredEvent[]): Promise<ReadonlyMap<string, unknown>>
}

/** A projection that writes what it likes to tables of its own. */
export interface HandlerProjection extends Projection {
  readonly kind: 'handler'
  readonly tables: readonly string[]
  readonly handle: (event: StoredEvent, tx: ProjectionTransaction) => Promise<void>
}

/** A projection of whatever types, for code that only hands documents on. */
export type AnyProjection = FoldProjection | HandlerProjection

/** What a projection is inside; undefined for what `defineProjection` has not made. */
export function insideOf(projection: unknown): AnyProjection | undefined {
  const { kind } = (projection ?? {}) as Partial<AnyProjection>
  return kind === 'fold' || kind === 'handler' ? (projection as AnyProjection) : undefined
}

/** Tells whether a projection writes to a table by key. */
export function isTable(target: ProjectionTarget | TableTarget): target is TableTarget {
  return 'kind' in target && target.kind === 'table'
}

/** The tables that a projection writes; none for one that writes documents, and for a live one. */
export function tablesOf(projection: AnyProjection): readonly string[] {
  if (projection.kind === 'handler') return projection.tables
  return projection.mode !== 'live' && isTable(projection.to) ? [projection.to.name] : []
}

/** The collection that a projection writes. */
export function collectionOf(projection: AnyProjection): string | undefined {
  if (projection.kind === 'handler' || projection.mode === 'live' || isTable(projection.to)) return undefined
  return projection.to.name
}
