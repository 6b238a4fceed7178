import { InvalidArgumentError, type Logger, type Scope } from '@rillflow/core'
import type { EventFamilies, EventsService, EventStore } from '@rillflow/events'
import {
  checkWhole,
  leaseTimes,
  PageSource,
  resolveRetry,
  runConsumer,
  type ConsumerKey,
  type FailurePolicy,
  type Lease,
  type LeaseTimes,
  type RetryPolicy,
} from '@rillflow/subscriptions'
import type { ProjectionRunner } from '../apply/projection-runner.js'
import { ProjectPages, type ProjectingPlan } from './project-pages.js'

/** How projections are brought on by a worker. */
export interface WorkerOptions {
  readonly retry?: RetryPolicy | undefined
  /** What becomes of an event that failed as often as it may; `park` unless told. */
  readonly onFailure?: FailurePolicy | undefined
  /** How long one transaction may take, in milliseconds; 30,000 unless told. */
  readonly timeout?: number | undefined
  /** The most events of one transaction; 1,000 unless told. */
  readonly batchSize?: number | undefined
  readonly lease?: Partial<LeaseTimes> | undefined
}

/** The same with nothing left out. */
export type ResolvedWorker = Pick<ProjectingPlan, 'retry' | 'onFailure' | 'timeout' | 'batchSize'> & {
  readonly times: LeaseTimes
}

/**
 * Fills in what was not told.
 *
 * @throws InvalidArgument
 */
export function resolveWorker(options: WorkerOptions): ResolvedWorker {
  const { onFailure = 'park', timeout = 30_000, batchSize = 1_000 } = options
  if (!['park', 'deadLetter', 'stop'].includes(onFailure)) {
    throw new InvalidArgumentError('onFailure', "onFailure must be 'park', 'deadLetter' or 'stop'.")
  }
  checkWhole('timeout', timeout, [1, 86_400_000])
  checkWhole('batchSize', batchSize, [1, 10_000])
  const times = { ...leaseTimes, ...options.lease }
  checkWhole('lease.duration', times.duration, [100, 3_600_000])
  checkWhole('lease.poll', times.poll, [1, 3_600_000])
  return { retry: resolveRetry(options.retry), onFailure, timeout, batchSize, times }
}

/** What the workers of one store share. */
export interface WorkerHost {
  readonly scope: Scope
  readonly logger: Logger
  readonly events: EventStore<EventFamilies>
  readonly service: EventsService
}

/** One projection under the leases that a worker gets. */
export interface ProjectionRun {
  readonly runner: ProjectionRunner
  readonly key: ConsumerKey
  readonly shadow: boolean
  readonly worker: ResolvedWorker
  readonly signal: AbortSignal
  /** Takes the lease if it is free, and ends with it. */
  readonly once?: boolean | undefined
  /** Asked before each page, under the lease; true ends the work. */
  readonly isEnough: (lease: Lease) => Promise<boolean> | boolean
  /** Asks again after so many milliseconds when no page comes; undefined to wait for one. */
  readonly patience?: number | undefined
}

/** Brings a projection on until the signal is aborted, or `isEnough` says so. */
export async function runProjection(host: WorkerHost, run: ProjectionRun): Promise<void> {
  const { scope, logger, events, service } = host
  const { runner, key, worker, shadow } = run
  const feed = service.feed({ filter: runner.selection })
  const waitForHead = (after: number, signal: AbortSignal): Promise<number> => events.waitForHead(after, { signal })
  const enough = new AbortController()
  const end = (): void => enough.abort(run.signal.reason)
  if (run.signal.aborted) end()
  run.signal.addEventListener('abort', end, { once: true })
  try {
    await runConsumer({
      scope,
      key,
      logger,
      times: worker.times,
      version: runner.projection.version,
      once: run.once,
      signal: enough.signal,
      async work(lease, { ending, ensureLease }) {
        const source = new PageSource({ feed, scope, waitForHead, pageSize: worker.batchSize, after: lease.position })
        const pages = new ProjectPages({ ...worker, lease, source, ensureLease, logger, runner, target: { shadow } })
        try {
          await pages.putBack(ending)
          while (!(await run.isEnough(lease))) await pages.page(ending, run.patience)
          enough.abort()
        } catch (error) {
          lease.lost.throwIfAborted()
          // Told to end in between two transactions: what was begun is stored, the rest comes next time.
          if (!ending.aborted) throw error
        }
      },
    })
  } finally {
    run.signal.removeEventListener('abort', end)
  }
}
