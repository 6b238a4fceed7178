import { VersionConflictError, type Scope, type SessionPart, type Siblings } from '@rillflow/core'
import { eventsModule, type AppendOptions, type NewEvent, type StagedAppend } from '@rillflow/events'
import type { AggregatesShape, Loaded, StagedAggregateStore } from '../aggregate-store.js'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { checkAggregate, checkDecide } from '../definition/check-aggregate.js'
import { loadAggregate, type LoadHost } from '../load/load-aggregate.js'
import { checkLoaded, prepareCommit } from '../operations/commit.js'
import { checkDecision, type AnyDecide } from '../operations/execute.js'
import { dueSnapshot, writeSnapshots, type SnapshotRow } from '../snapshots/write-snapshots.js'

/** A snapshot that a saved session has taken. */
export interface SnapshotTaken {
  readonly aggregate: string
  readonly id: string
  readonly version: number
}

/** An aggregate as the database has it, and where what this session staged for it leads. */
interface Tracked {
  readonly base: AnyLoaded
  after: AnyLoaded | undefined
}

/** What aggregates do in one session: load once, stage events, and write the snapshots that are due. */
export function aggregatesSession(
  scope: Scope,
  siblings: Siblings<'session'>,
  how: Pick<LoadHost, 'logger' | 'freeze'>,
): SessionPart<AggregatesShape> {
  const { api: staged, service } = siblings.find(eventsModule)
  const host = { ...how, scope, service, reads: service.on(scope) }
  const tracked = new Map<AnyAggregate, Map<string, Tracked>>()
  let flushing: readonly SnapshotRow[] = []
  let saves = 0
  let schema = ''

  async function track(aggregate: AnyAggregate, id: string): Promise<Tracked> {
    const known = tracked.get(aggregate)?.get(id)
    if (known !== undefined) return known
    const asked = saves
    const loaded = await loadAggregate(host, aggregate, id)
    // What a save has written since is missing in it.
    if (asked !== saves) return track(aggregate, id)
    const ofAggregate = tracked.get(aggregate) ?? new Map<string, Tracked>()
    tracked.set(aggregate, ofAggregate)
    // Another load of the same may have ended first; both must go on from one state.
    const now = ofAggregate.get(id) ?? { base: loaded, after: undefined }
    ofAggregate.set(id, now)
    return now
  }

  const stagedFor = (id: string): readonly NewEvent[] => staged.staged(id).flatMap(({ events }) => events)

  /** The state with what is staged for the stream, by whichever way it was staged. */
  async function load(aggregate: AnyAggregate, id: string): Promise<AnyLoaded> {
    const { base } = await track(aggregate, id)
    return (await prepareCommit(host, { ...aggregate, validate: undefined }, base, stagedFor(id))).after
  }

  async function commit(
    aggregate: AnyAggregate,
    loaded: AnyLoaded,
    events: readonly NewEvent[],
    options: AppendOptions,
  ): Promise<AnyLoaded> {
    const its = await track(aggregate, loaded.id)
    const { base } = its
    const { settled, after } = await prepareCommit(host, aggregate, loaded, events)
    if (events.length === 0) return after
    // Looked at without an await before the staging below, so that nothing comes in between.
    const actual = base.version + stagedFor(loaded.id).length
    if (loaded.version !== actual) {
      throw new VersionConflictError({ subject: 'stream', id: loaded.id, expected: loaded.version, actual })
    }
    const expected = base.version === 0 ? 'noStream' : base.version
    staged.append(loaded.id, settled, { ...options, expected, category: aggregate.events.category })
    its.after = after
    return after
  }

  const api = {
    load,
    async execute(aggregate: AnyAggregate, id: string, decide: AnyDecide, options: AppendOptions = {}) {
      checkDecide(decide)
      const loaded = await load(aggregate, id)
      // The state is what `evolve` made; nothing here knows more of its type.
      const events = checkDecision(aggregate, await decide(loaded.state as never, loaded))
      return commit(aggregate, loaded, events, options)
    },
    async commit(
      aggregate: AnyAggregate,
      loaded: Loaded<unknown>,
      events: readonly NewEvent[],
      options: AppendOptions = {},
    ) {
      checkAggregate(aggregate)
      checkLoaded(loaded)
      return commit(aggregate, loaded, events, options)
    },
  }

  function due(): readonly SnapshotRow[] {
    return [...tracked].flatMap(([aggregate, ofAggregate]) =>
      [...ofAggregate.values()].flatMap(({ base, after }) => {
        if (after === undefined || staged.staged(base.id).some(hasKey)) return []
        const step = { id: base.id, from: base.version, to: after.version, state: after.state }
        return dueSnapshot(aggregate, step, how.logger) ?? []
      }),
    )
  }

  const clear = (): void => {
    saves += 1
    tracked.clear()
    flushing = []
  }

  return {
    // Of whatever state inside; the types of the outside are those of the definitions.
    api: api as unknown as StagedAggregateStore,
    pending: () => 0,
    async prepare() {
      ;({ schema } = await scope.target())
      flushing = due()
    },
    async flush(tx) {
      if (flushing.length > 0) await writeSnapshots(tx, schema, flushing, { appended: true })
      return flushing.map(({ aggregate, id, version }) => ({ aggregate, id, version }))
    },
    // What is stored is loaded again: others may have written since.
    committed: clear,
    clear,
  }
}

/** A key that was used before makes an append write nothing, and then no state here is that of the stream. */
function hasKey({ options }: StagedAppend): boolean {
  return options.idempotencyKey !== undefined
}
