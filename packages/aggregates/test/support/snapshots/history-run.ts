import type { DecidedEvent, Loaded } from '@rillflow/aggregates'
import { isRillflowError } from '@rillflow/core'
import { expect } from 'vitest'
import type { Pool } from 'pg'
import type { AccountEvents } from '../account.js'
import type { TestStore } from '../test-store.js'
import { streams, type Action, type History } from './history.js'
import { snapshotsOf, type StoredSnapshot } from './snapshot-table.js'
import { count, defineTally, emptyTally, type Tally, type TallyAggregate } from './tally.js'

/** Where a history happens. */
export interface HistoryPlace {
  readonly pool: Pool
  readonly schema: string
  /** Two that share nothing but the database, as two processes do. */
  readonly stores: readonly [TestStore, TestStore]
}

/** What happened, so that a test can tell whether it tried anything. */
export interface HistoryTally {
  commits: number
  conflicts: number
  snapshots: number
  shapes: number
}

interface Process {
  readonly store: TestStore
  tally: TallyAggregate
}

/** A state that somebody was given, and by which shape. */
interface Given {
  readonly shape: number
  readonly loaded: Loaded<Tally>
}

/** Makes the history happen, and looks after each step whether every state is the fold of its events. */
export async function runHistory(place: HistoryPlace, history: History, tally: HistoryTally): Promise<void> {
  const processes = place.stores.map((store): Process => ({ store, tally: defineTally(1, history.every) }))
  let before: readonly StoredSnapshot[] = []
  for (const step of history.steps) {
    const given: Given[] = []
    const acting = step.map((action) => act(processes[action.process] as Process, action, { history, given, tally }))
    for (const outcome of await Promise.allSettled(acting)) if (outcome.status === 'rejected') throw outcome.reason
    const after = await snapshotsOf(place.pool, place.schema)
    await expectFolds(processes, given, after)
    expectForward(before, after)
    tally.snapshots += after.length
    before = after
  }
}

interface Course {
  readonly history: History
  readonly given: Given[]
  readonly tally: HistoryTally
}

async function act(process: Process, action: Action, { history, given, tally }: Course): Promise<void> {
  const { store } = process
  const aggregate = process.tally
  const shape = aggregate.snapshot?.version ?? 0
  switch (action.kind) {
    case 'commit':
      tally.commits += 1
      given.push(...(await commit(store, aggregate, action, tally)).map((loaded) => ({ shape, loaded })))
      return
    case 'append':
      await store.events.append(action.stream, eventsOf(action.amounts))
      return
    case 'load':
      given.push({ shape, loaded: await store.aggregates.load(aggregate, action.stream) })
      return
    case 'take snapshots': {
      const report = await store.aggregates.snapshots.takeAll(aggregate, action)
      expect(report.failed).toEqual([])
      return
    }
    case 'new shape':
      tally.shapes += 1
      process.tally = defineTally(shape + 1, history.every)
  }
}

type Commit = Extract<Action, { readonly kind: 'commit' }>

/** Commits, and gives what the caller was told; nothing when a session met a conflict, which is its caller's to settle. */
async function commit(
  store: TestStore,
  aggregate: TallyAggregate,
  { by, stream, amounts }: Commit,
  tally: HistoryTally,
): Promise<readonly Loaded<Tally>[]> {
  const decide = (): readonly AccountEvent[] => eventsOf(amounts)
  // A conflict tells that somebody else was faster: in one step that cannot be so often.
  const options = { attempts: 50 }
  if (by !== 'session') {
    const executed =
      by === 'execute'
        ? await store.aggregates.execute(aggregate, stream, decide, options)
        : await store.transaction((tx) => tx.aggregates.execute(aggregate, stream, decide, options))
    tally.conflicts += executed.attempts - 1
    return [executed]
  }
  const session = store.session()
  try {
    const half = Math.ceil(amounts.length / 2)
    await session.aggregates.execute(aggregate, stream, () => eventsOf(amounts.slice(0, half)))
    const loaded = await session.aggregates.execute(aggregate, stream, () => eventsOf(amounts.slice(half)))
    await session.saveChanges()
    return [loaded]
  } catch (error) {
    if (!isRillflowError(error, 'VersionConflict')) throw error
    tally.conflicts += 1
    return []
  }
}

type AccountEvent = DecidedEvent<(typeof AccountEvents)['schemas']>

function eventsOf(amounts: readonly number[]): readonly AccountEvent[] {
  return amounts.map((amount): AccountEvent => {
    if (amount === 0) return { type: 'Opened', data: { owner: `owner ${amounts.length}` } }
    return amount > 0 ? { type: 'Deposited', data: { amount } } : { type: 'Withdrawn', data: { amount: -amount } }
  })
}

/** What was given meanwhile, what is loaded now, and what the snapshots hold: each is the fold of so many events. */
async function expectFolds(
  processes: readonly Process[],
  given: readonly Given[],
  snapshots: readonly StoredSnapshot[],
): Promise<void> {
  const [{ store }] = processes as [Process]
  for (const id of streams) {
    const events = await store.events.readStream(id).toArray()
    const fold = (shape: number, version: number): Tally => events.slice(0, version).reduce(count, emptyTally(shape))
    for (const process of processes) {
      const shape = process.tally.snapshot?.version ?? 0
      const loaded = await process.store.aggregates.load(process.tally, id)
      expect(loaded).toEqual({
        id,
        version: events.length,
        exists: events.length > 0,
        state: fold(shape, events.length),
      })
      const version = Math.floor(events.length * 0.7)
      const past = await process.store.aggregates.loadAt(process.tally, id, { version })
      expect(past).toEqual({ id, version, exists: version > 0, state: fold(shape, version) })
    }
    expect((await store.events.streamInfo(id))?.version ?? 0).toBe(events.length)
    for (const { shape, loaded } of given.filter((each) => each.loaded.id === id)) {
      expect(loaded.version).toBeLessThanOrEqual(events.length)
      expect(loaded.state).toEqual(fold(shape, loaded.version))
    }
    for (const { schemaVersion, version, state } of snapshots.filter((row) => row.id === id)) {
      expect(version).toBeLessThanOrEqual(events.length)
      expect(state).toEqual(fold(schemaVersion, version))
    }
  }
}

function expectForward(before: readonly StoredSnapshot[], after: readonly StoredSnapshot[]): void {
  for (const old of before) {
    const now = after.find(({ id }) => id === old.id)
    expect(now, `the snapshot of ${old.id} is gone`).toBeDefined()
    if (now === undefined || now.schemaVersion > old.schemaVersion) continue
    expect(now.schemaVersion).toBe(old.schemaVersion)
    expect(now.version).toBeGreaterThanOrEqual(old.version)
  }
}
