import type { ConsumerStatus, DeadLetters, StartFrom } from '@rillflow/subscriptions'
import type { ProjectionMode } from '../definition/projection.js'
import type { RebuildProgress } from '../rebuild/rebuild-projection.js'
import type { WorkerOptions } from './run-projection.js'
import type { WaitOptions } from './wait-for.js'

/** Where a projection stands. */
export interface ProjectionStatus extends Omit<ConsumerStatus, 'group' | 'maxInFlight' | 'partitions'> {
  /** Undefined for one that is stored, and of which this store has no definition. */
  readonly mode: ProjectionMode | undefined
  /** The version that is stored; `defined` is that of the definition. */
  readonly version: number
  readonly defined: number | undefined
  /** The worker that has the lease; undefined when none has. */
  readonly worker: string | undefined
  /** What is to be tried again: its position, how often it has failed, and how long it must wait still, in milliseconds. */
  readonly failing: ConsumerStatus['partitions'][number]['failing']
  readonly lastError: ConsumerStatus['partitions'][number]['lastError']
  /** How far a rebuild has come that is under way, or was left. */
  readonly rebuild: { readonly version: number; readonly position: number; readonly state: string } | undefined
}

/** Which projections, and until when. */
export interface RunProjectionsOptions extends WorkerOptions {
  /** The names of some; all that are `async` unless told. */
  readonly only?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** How a projection is rebuilt. */
export interface RebuildOptions extends WorkerOptions {
  /** Called after each batch. */
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined
  /** Ends the work; whoever calls `rebuild` next goes on from there. */
  readonly signal?: AbortSignal | undefined
}

/** What can be done with the projections of one tenant that are stored. */
export interface ProjectionOperations {
  /**
   * Keeps the async projections up with their events until the signal is aborted, each under a lease: any number of
   * processes may run them, and one of them works on each. What a batch writes is stored exactly once, together with its
   * checkpoint. One that is stored in an older version than it is defined in is rebuilt beside it first.
   *
   * @throws SchemaMissing before `sync`; ProjectionNotFound, InvalidArgument.
   *
   * @example
   * ```ts ignore
   * const stop = new AbortController()
   * process.once('SIGTERM', () => stop.abort())
   * await store.projections.run({ signal: stop.signal })
   * ```
   */
  run(options?: RunProjectionsOptions): Promise<void>
  /** Applies at most one batch to each projection whose lease is free. */
  runOnce(options?: RunProjectionsOptions): Promise<readonly ProjectionStatus[]>
  /**
   * Brings each projection to where the head is now, or sees another worker do it. Paused ones are left as they are.
   *
   * @throws ConsumerStopped, WaitTimeout when one stopped at an event that failed.
   */
  runUntilIdle(options?: RunProjectionsOptions): Promise<readonly ProjectionStatus[]>
  /**
   * Waits until a projection has handled everything up to a position, as an append gives it: then what it writes can be
   * read. At once for an inline one.
   *
   * @throws WaitTimeout, ProjectionNotFound
   *
   * @example
   * ```ts ignore
   * const { position } = await store.events.append('order-1', [placed])
   * await store.projections.waitFor('order-summary', position)
   * ```
   */
  waitFor(name: string, position: number, options?: WaitOptions): Promise<void>
  /**
   * Makes what a projection writes anew, from the first event on, beside what readers see, and swaps it in one transaction
   * when it has caught up. Appends of an inline projection wait during the swap. Killed, it goes on where it was when it is
   * called again.
   *
   * @throws ConsumerStopped, RebuildRefused, ProjectionNotFound
   */
  rebuild(name: string, options?: RebuildOptions): Promise<void>
  /** Where all of them stand: those of this store, and those that are stored. */
  list(): Promise<readonly ProjectionStatus[]>
  /** Where one stands. @throws ProjectionNotFound */
  status(name: string): Promise<ProjectionStatus>
  /** Stops one, wherever it runs; when it returns nothing is written any more. @throws ConsumerNotFound, InvalidArgument */
  pause(name: string): Promise<void>
  /** Lets one go on that was paused, or has stopped at a failure. @throws ConsumerNotFound */
  resume(name: string): Promise<void>
  /** Sets the checkpoint, and leaves what is written as it is: events behind it are applied, again. @throws ConsumerNotFound */
  reset(name: string, to: StartFrom): Promise<void>
  readonly deadLetters: DeadLetters
}
