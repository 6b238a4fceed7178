import { traced, type TransactionScope } from '@rillflow/core'
import type { EventFilter, StoredEvent } from '@rillflow/events'
import { isTable, type AnyProjection } from '../definition/any-projection.js'
import { selectionOf, selects } from '../definition/selection.js'
import { collectionTarget } from '../targets/collection-target.js'
import type { DocumentsLike } from '../targets/documents-like.js'
import type { FoldTarget, WriteTarget } from '../targets/fold-target.js'
import { tableTarget } from '../targets/table-target.js'
import { applyFold, loadAhead, type LoadedAhead } from './apply-fold.js'
import { applyHandler } from './apply-handler.js'

/** A projection of one store, ready to be applied; whoever applies it keeps the order of the events. */
export interface ProjectionRunner {
  readonly projection: AnyProjection
  /** The events that it reads, for the feed. */
  readonly selection: EventFilter
  /**
   * Applies events in the order of their positions, inside a transaction whose commit makes them done; those that it does
   * not select are left out.
   *
   * @throws ProjectionFailed for an event that it cannot project, and then the transaction must be undone.
   */
  applyBatch(
    scope: TransactionScope,
    events: readonly StoredEvent[],
    target: WriteTarget,
    ahead?: LoadedAhead,
  ): Promise<void>
  /** Loads what appends to these streams may change, where that is known; undefined where it is not. */
  ahead(scope: TransactionScope, streamIds: readonly string[]): Promise<LoadedAhead | undefined>
}

/** What runners need of their store. */
export interface RunnerParts {
  /** There when a projection writes to a collection. */
  readonly documents: DocumentsLike | undefined
  /** Whether documents are frozen before handlers see them. */
  readonly freeze: boolean
}

/** Makes a projection ready to be applied. */
export function projectionRunner(projection: AnyProjection, parts: RunnerParts): ProjectionRunner {
  const isSelected = selects(projection)
  const { apply, ahead } = applying(projection, parts)
  return {
    projection,
    selection: selectionOf(projection),
    ahead,
    async applyBatch(scope, events, target, loaded) {
      const selected = events.filter(isSelected)
      if (selected.length === 0) return
      const { schema, tenant } = await scope.target()
      const context = { operation: projection.name, schema, tenant, count: selected.length }
      await traced(
        'project',
        () => context,
        () => apply(scope, selected, target, loaded),
      )
    },
  }
}

interface Applying {
  readonly apply: ProjectionRunner['applyBatch']
  readonly ahead: ProjectionRunner['ahead']
}

function applying(projection: AnyProjection, { documents, freeze }: RunnerParts): Applying {
  if (projection.kind === 'handler') {
    return {
      apply: (scope, events, to) => applyHandler(scope, projection, events, to),
      ahead: async () => undefined,
    }
  }
  const { name, to: its } = projection
  // Whether the store has the documents of a collection was checked when it was made.
  const target: FoldTarget = isTable(its)
    ? tableTarget(name, its)
    : collectionTarget(documents as DocumentsLike, its.name)
  const how = { projection, target, freeze }
  return {
    apply: (scope, events, to, ahead) => applyFold(scope, how, events, { to, ahead }),
    ahead: (scope, streamIds) => loadAhead(scope, how, streamIds),
  }
}
