import { InvalidArgumentError } from '@rillflow/core'
import type { AppendOptions, BareEvent, NewEvent, StoreAppendOptions } from '@rillflow/events'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { fold } from '../load/fold.js'
import { loadAggregate } from '../load/load-aggregate.js'
import { dueSnapshot } from '../snapshots/write-snapshots.js'
import type { AggregateHost } from './host.js'

/** What is on the events of a commit. */
export interface CommitOptions extends Omit<AppendOptions, 'expected' | 'category'> {}

/** What is on the events of a commit on the store itself. */
export interface StoreCommitOptions extends Omit<StoreAppendOptions, 'expected' | 'category'> {}

/** The state after a commit, and what was written. */
export interface AnyCommitted extends AnyLoaded {
  /** The new events, as they will be read back. */
  readonly events: readonly BareEvent[]
  /** The position of the last one; undefined when there was none. */
  readonly position: number | undefined
  readonly eventIds: readonly string[]
}

/** Refuses what nothing has loaded. @throws InvalidArgument */
export function checkLoaded(loaded: AnyLoaded): void {
  const { id, version } = (loaded ?? {}) as Partial<AnyLoaded>
  const isStream = typeof id === 'string' && id !== '' && 'state' in loaded
  if (isStream && Number.isSafeInteger(version) && (version as number) >= 0) return
  throw new InvalidArgumentError('loaded', 'commit takes an aggregate as load gave it, with its state and version.')
}

/** New events with the state that they lead to. */
export interface Prepared {
  readonly loaded: AnyLoaded
  readonly settled: readonly NewEvent[]
  readonly after: AnyLoaded
  readonly events: readonly BareEvent[]
}

/**
 * Makes of new events the state that they lead to, and lets the aggregate refuse it.
 *
 * @throws ValidationFailed, UnknownEventType, UnstorableValue, EvolveFailed; what the aggregate's `validate` throws
 */
export async function prepareCommit(
  host: Pick<AggregateHost, 'service' | 'freeze'>,
  aggregate: AnyAggregate,
  loaded: AnyLoaded,
  news: readonly NewEvent[],
): Promise<Prepared> {
  const { id, version } = loaded
  const settled = await host.service.settle(news)
  const events = settled.map(({ type, data }, index) => ({ type, data, streamId: id, version: version + index + 1 }))
  const state = fold({ aggregate, id, freeze: host.freeze }, loaded.state, events)
  const after = { id, state, version: version + events.length, exists: version + events.length > 0 }
  // The state is what `evolve` made; nothing here knows more of its type.
  if (events.length > 0) aggregate.validate?.(state as never, after)
  return { loaded, settled, after, events }
}

/** Appends what was prepared, if the stream is still as it was loaded. @throws VersionConflict */
export async function sendCommit(
  host: AggregateHost,
  aggregate: AnyAggregate,
  { loaded, settled, after, events }: Prepared,
  options: StoreCommitOptions,
): Promise<AnyCommitted> {
  if (events.length === 0) return { ...after, events, position: undefined, eventIds: [] }
  const expected = loaded.version === 0 ? 'noStream' : loaded.version
  const how = { ...options, expected, category: aggregate.events.category } as const
  const step = { id: loaded.id, from: loaded.version, to: after.version, state: after.state }
  const snapshot = dueSnapshot(aggregate, step, host.logger)
  const { version, position, eventIds } =
    snapshot === undefined
      ? await host.append(loaded.id, settled, how)
      : await host.appendWithSnapshot(loaded.id, settled, { ...how, snapshot })
  if (version === after.version) return { ...after, events, position, eventIds }
  // The idempotency key was used before: what is told is what its first use led to.
  const { state } = await loadAggregate(host, aggregate, loaded.id, version)
  const first = version - events.length
  const before = events.map((event, index) => ({ ...event, version: first + index + 1 }))
  return { id: loaded.id, state, version, exists: true, events: before, position, eventIds }
}
