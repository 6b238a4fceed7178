import { setTimeout as wait } from 'node:timers/promises'
import { AbortedError, InvalidArgumentError, isRillflowError, type VersionConflictError } from '@rillflow/core'
import type { NewEvent } from '@rillflow/events'
import type { AggregatePlace } from '../definition/aggregate.js'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { AggregateExistsError, AggregateNotFoundError } from '../errors.js'
import { initialState } from '../load/fold.js'
import { checkId, loadAggregate } from '../load/load-aggregate.js'
import { prepareCommit, sendCommit, type AnyCommitted, type StoreCommitOptions } from './commit.js'
import type { AggregateHost } from './host.js'
import type { Turn } from './lanes.js'

/** How an aggregate is executed on. */
export interface ExecuteOptions extends Omit<StoreCommitOptions, 'idempotencyKey'> {
  /** How often the decision is taken at the most, each time on what is there then; 10 unless told. */
  readonly attempts?: number | undefined
}

/** What an execution led to. */
export interface AnyExecuted extends AnyCommitted {
  /** How often the decision was taken. */
  readonly attempts: number
}

/** Whether the aggregate must be there, must not, or may. */
export type Lifecycle = 'new' | 'existing' | 'any'

/** A decision on a state of whatever type. */
export type AnyDecide = (state: never, place: AggregatePlace) => readonly NewEvent[] | Promise<readonly NewEvent[]>

/** One execution. */
export interface Execution {
  readonly aggregate: AnyAggregate
  readonly id: string
  readonly decide: AnyDecide
  readonly lifecycle: Lifecycle
  readonly options: ExecuteOptions
  /** Where executions of this process on the stream follow one another; undefined where nothing is shared. */
  readonly turn: Turn | undefined
}

const defaultAttempts = 10

/** So often it is tried without holding the stream. */
const freeAttempts = 3

/**
 * Loads, decides and appends; after a conflict all of it again. On a stream where others are faster all the time it is
 * held from the fourth attempt on, and the decision gets through; not for one that takes its time, which might ask for
 * another connection, and wait for ever for those that wait for the stream.
 *
 * @throws VersionConflict when every attempt met one.
 * @throws AggregateExists, AggregateNotFound
 */
export async function execute(host: AggregateHost, execution: Execution): Promise<AnyExecuted> {
  const { aggregate, id, options } = execution
  const attempts = checkAttempts(options.attempts)
  checkId(id)
  let held: VersionConflictError | undefined
  for (let attempt = 1; ; attempt += 1) {
    const committed: AnyCommitted | Conflict = await attemptHolding(host, execution, held)
    if (!(committed instanceof Conflict)) return { ...committed, attempts: attempt }
    const { error, atOnce }: Conflict = committed
    if (execution.lifecycle === 'new') throw new AggregateExistsError(aggregate.name, id, error.actual)
    if (attempt >= attempts) throw error
    held = atOnce && attempt >= freeAttempts ? error : undefined
    // Whoever was faster is likely to be so again, unless each waits for a time of its own.
    if (attempt > 1 && held === undefined) await wait(Math.random() * Math.min(2 ** attempt, 50))
    if (options.signal?.aborted === true) throw new AbortedError(id, options.signal.reason)
  }
}

/** The stream was not as it was loaded when the events came to it; what a decision throws is never one. */
class Conflict {
  readonly error: VersionConflictError
  /** Whether the decision was there at once, and no promise. */
  readonly atOnce: boolean
  constructor(error: VersionConflictError, atOnce: boolean) {
    this.error = error
    this.atOnce = atOnce
  }
}

/** Holds the stream where a conflict before has led to that. */
async function attemptHolding(
  host: AggregateHost,
  execution: Execution,
  conflict: VersionConflictError | undefined,
): Promise<AnyCommitted | Conflict> {
  if (conflict === undefined) return attemptOnce(host, execution)
  const { id, decide } = execution
  const atOnce: AnyDecide = (state, place) => {
    const decision = decide(state, place)
    if (Array.isArray(decision)) return decision
    // It took its time after all: not while the stream is held.
    Promise.resolve(decision).catch(() => undefined)
    throw conflict
  }
  try {
    return await host.holding(id, (held) => attemptOnce(held, { ...execution, decide: atOnce, turn: undefined }))
  } catch (error) {
    if (error === conflict) return new Conflict(conflict, false)
    throw error
  }
}

async function attemptOnce(host: AggregateHost, execution: Execution): Promise<AnyCommitted | Conflict> {
  const { aggregate, id, decide, lifecycle, options, turn } = execution
  const loaded = await find(host, execution)
  if (lifecycle === 'existing' && !loaded.exists) throw new AggregateNotFoundError(aggregate.name, id)
  // The state is what `evolve` made; nothing here knows more of its type.
  const decision = decide(loaded.state as never, loaded)
  // A decision that takes its time, or that executes on the same stream itself, must not hold the others up.
  if (!Array.isArray(decision)) turn?.leave()
  const events = checkDecision(aggregate, await decision)
  const prepared = await prepareCommit(host, aggregate, loaded, events)
  if (events.length === 0) return sendCommit(host, aggregate, prepared, {})
  const learn = turn?.asking(aggregate)
  // Until it is known what became of it: the state that was handed on may be an old one.
  turn?.forget()
  try {
    const committed = await sendCommit(host, aggregate, prepared, commitOptions(options))
    learn?.(prepared.after)
    return committed
  } catch (error) {
    if (isRillflowError(error, 'VersionConflict'))
      return new Conflict(error as VersionConflictError, Array.isArray(decision))
    throw error
  }
}

async function find(host: AggregateHost, execution: Execution): Promise<AnyLoaded> {
  const { aggregate, id, lifecycle, turn } = execution
  if (lifecycle === 'new') {
    return { id, state: initialState({ aggregate, id, freeze: host.freeze }), version: 0, exists: false }
  }
  const known = turn?.known(aggregate)
  if (known !== undefined) return known
  const learn = turn?.asking(aggregate)
  const { state, version, exists } = await loadAggregate(host, aggregate, id)
  const loaded = { id, state, version, exists }
  learn?.(loaded)
  return loaded
}

function commitOptions({ headers, causationId, correlationId, signal }: ExecuteOptions): StoreCommitOptions {
  return { headers, causationId, correlationId, signal }
}

/** Refuses what is no list of events. @throws InvalidArgument */
export function checkDecision(aggregate: AnyAggregate, decision: readonly NewEvent[]): readonly NewEvent[] {
  if (Array.isArray(decision)) return decision
  throw new InvalidArgumentError(
    'decide',
    `The decision on ${aggregate.name} gave no list of events; give [] when nothing is to be done.`,
  )
}

function checkAttempts(attempts: number | undefined): number {
  if (attempts === undefined) return defaultAttempts
  if (Number.isSafeInteger(attempts) && attempts >= 1) return attempts
  throw new InvalidArgumentError('attempts', 'attempts must be a whole number of at least 1.')
}
