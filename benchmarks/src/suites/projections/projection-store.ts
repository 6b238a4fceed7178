import type { FeedShape } from '../../stores/events/order-feed.js'
import type { ProjectedTables } from './check-documents.js'
import type { SummaryBy } from './order-summary.js'

/** A store with async projections under test: the least that each of them can do. */
export interface ProjectionStore {
  /** Leaves it as it was before the projection ran. */
  forget(by: SummaryBy): Promise<void>
  /** Leaves nothing right in it: what is there before a rebuild must not be taken for its work. */
  spoil(by: SummaryBy): Promise<void>
  /** Projects what lies behind the checkpoint, until there is no more or `signal` is aborted. */
  catchUp(by: SummaryBy, signal: AbortSignal): Promise<void>
  /** Projects everything anew, until there is no more; where half a rebuild can be looked at, until `signal` is aborted. */
  rebuild(by: SummaryBy, signal: AbortSignal): Promise<void>
  /** Where the events are, and what was made of them. */
  tables(by: SummaryBy): ProjectedTables
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made, the feed in it. */
export type OpenProjectionStore = (url: string, shape: FeedShape) => Promise<ProjectionStore>
