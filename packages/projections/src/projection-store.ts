import type { DeepReadonly } from './definition/deep-readonly.js'
import type { Projection } from './definition/projection.js'
import type { ProjectionOperations } from './workers/projection-operations.js'

/** What can be read of projections wherever events are read. */
export interface ProjectionReads {
  /**
   * Folds the stream `key` into the document of a live projection, as it is now; undefined where there is none. The
   * projection need not be one of the store's.
   *
   * @throws ProjectionFailed, InvalidArgument, and what reading a stream throws.
   *
   * @example
   * ```ts ignore
   * const order = await store.projections.live(OrderView, 'order-1')
   * ```
   */
  live<Doc>(projection: Projection<Doc, 'live'>, key: string): Promise<DeepReadonly<Doc> | undefined>
}

/** The projections of one tenant. */
export type ProjectionStore = ProjectionReads & ProjectionOperations

/** What {@link projections} adds to a store. */
export interface ProjectionsShape {
  readonly store: ProjectionStore
  readonly transaction: ProjectionReads
  readonly session: undefined
  readonly saved: undefined
}
