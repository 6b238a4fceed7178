import type { AppendResult, EventsService, NewEvent, StoreAppendOptions } from '@rillflow/events'
import type { LoadHost } from '../load/load-aggregate.js'
import type { SnapshotRow } from '../snapshots/write-snapshots.js'

/** What operations need of the place where they run. */
export interface AggregateHost extends LoadHost {
  readonly service: EventsService
  /** Appends alone. */
  readonly append: (id: string, events: readonly NewEvent[], options: StoreAppendOptions) => Promise<AppendResult>
  /** Appends, and stores the snapshot in the same transaction. */
  readonly appendWithSnapshot: (
    id: string,
    events: readonly NewEvent[],
    options: StoreAppendOptions & { readonly snapshot: SnapshotRow },
  ) => Promise<AppendResult>
  /** Does work while the stream is held, if there is one: nobody else appends to it meanwhile. */
  readonly holding: <Result>(id: string, work: (host: AggregateHost) => Promise<Result>) => Promise<Result>
}
