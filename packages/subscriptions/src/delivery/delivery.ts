import type { StoredEvent } from '@rillflow/events'

/** An event on its way to a handler. */
export interface Delivery<Event extends StoredEvent = StoredEvent> {
  readonly event: Event
  /**
   * The same for each delivery of the event to this subscription and group, and for nothing else: the key under which an
   * effect elsewhere is made once.
   */
  readonly key: string
  /** 1 for the first; restarts do not begin anew. */
  readonly attempt: number
  /** Aborted when the lease is lost, the time is over, or the worker must end now. */
  readonly signal: AbortSignal
}
