import { AbortedError, type Logger, type Scope, type Sibling, type TransactionScope } from '@rillflow/core'
import type {
  AppendOptions,
  AppendResult,
  EventFamilies,
  EventsService,
  EventStore,
  NewEvent,
  TransactionEventStore,
} from '@rillflow/events'
import type { AggregateStore, TransactionAggregateStore } from './aggregate-store.js'
import type { AnyAggregate, AnyLoaded } from './definition/any-aggregate.js'
import { checkAggregate, checkDecide } from './definition/check-aggregate.js'
import { checkId, loadAggregate } from './load/load-aggregate.js'
import { loadAt, type Moment } from './load/load-at.js'
import { lockStream } from './load/load-statements.js'
import { checkLoaded, prepareCommit, sendCommit, type StoreCommitOptions } from './operations/commit.js'
import { execute, type AnyDecide, type AnyExecuted, type ExecuteOptions, type Lifecycle } from './operations/execute.js'
import type { AggregateHost } from './operations/host.js'
import type { Lanes, Turn } from './operations/lanes.js'
import { snapshotter } from './snapshots/snapshotter.js'
import { writeSnapshots, type SnapshotRow } from './snapshots/write-snapshots.js'

interface How {
  readonly logger: Logger
  readonly freeze: boolean
}

/** The aggregates of one tenant. */
export function storeApi(
  scope: Scope,
  { api: events, service }: Sibling<EventStore<EventFamilies>, EventsService>,
  { lanes, ...how }: How & { readonly lanes: Lanes },
): AggregateStore {
  const within = (inside: TransactionScope): AggregateHost =>
    transactionHost(inside, { api: service.within(inside), service }, how)
  const host: AggregateHost = {
    ...how,
    scope,
    service,
    reads: events,
    append: (id, list, options) => events.append(id, list, options),
    async appendWithSnapshot(id, list, { snapshot, signal, ...options }) {
      if (signal?.aborted === true) throw new AbortedError(id, signal.reason)
      return scope.transaction((inside) => within(inside).appendWithSnapshot(id, list, { ...options, snapshot }))
    },
    holding: (id, work) => scope.transaction((inside) => within(inside).holding(id, work)),
  }
  const enter: Enter = async (id, signal) => lanes.enter((await scope.target()).schema, id, signal)
  const api = { ...operations(host, enter), snapshots: snapshotter({ ...host, within }) }
  // Of whatever state inside; the types of the outside are those of the definitions.
  return api as unknown as AggregateStore
}

/** Aggregates inside one transaction. */
export function transactionApi(
  scope: TransactionScope,
  events: Sibling<TransactionEventStore<EventFamilies>, EventsService>,
  how: How,
): TransactionAggregateStore {
  const host = transactionHost(scope, events, how)
  const api = {
    ...operations(host, undefined),
    async loadForUpdate(aggregate: AnyAggregate, id: string): Promise<AnyLoaded> {
      checkId(id)
      return withoutOrigin(await host.holding(id, () => loadAggregate(host, aggregate, id)))
    },
  }
  return api as unknown as TransactionAggregateStore
}

function transactionHost(
  scope: TransactionScope,
  { api: events, service }: Sibling<TransactionEventStore<EventFamilies>, EventsService>,
  how: How,
): AggregateHost {
  const host: AggregateHost = {
    ...how,
    scope,
    service,
    reads: events,
    append: (id, list, options) => events.append(id, list, options),
    appendWithSnapshot: (id, list, { snapshot, ...options }) =>
      appendAndWrite(scope, events, { id, list, options, snapshot }),
    async holding(id, work) {
      const { schema } = await scope.target()
      await scope.query(lockStream(schema, [id]))
      // Behind the lock, in statements of their own, whose snapshots are taken after it.
      return work(host)
    },
  }
  return host
}

async function appendAndWrite(
  scope: TransactionScope,
  events: Pick<TransactionEventStore<EventFamilies>, 'append'>,
  { id, list, options, snapshot }: SnapshotAppend,
): Promise<AppendResult> {
  const { schema } = await scope.target()
  const result = await events.append(id, list, options)
  // Another version is that of an append before, whose idempotency key was used again.
  if (result.version === snapshot.version) await writeSnapshots(scope, schema, [snapshot], { appended: true })
  return result
}

interface SnapshotAppend {
  readonly id: string
  readonly list: readonly NewEvent[]
  readonly options: AppendOptions
  readonly snapshot: SnapshotRow
}

type Enter = (id: string, signal: AbortSignal | undefined) => Promise<Turn>

function operations(host: AggregateHost, enter: Enter | undefined): object {
  const executing =
    (lifecycle: Lifecycle) =>
    async (
      aggregate: AnyAggregate,
      id: string,
      decide: AnyDecide,
      options: ExecuteOptions = {},
    ): Promise<AnyExecuted> => {
      checkAggregate(aggregate)
      checkDecide(decide)
      checkId(id)
      const turn = lifecycle === 'new' ? undefined : await enter?.(id, options.signal)
      try {
        return await execute(host, { aggregate, id, decide, lifecycle, options, turn })
      } finally {
        turn?.leave()
      }
    }
  return {
    load: async (aggregate: AnyAggregate, id: string) => withoutOrigin(await loadAggregate(host, aggregate, id)),
    loadAt: async (aggregate: AnyAggregate, id: string, moment: Moment) =>
      withoutOrigin(await loadAt(host, aggregate, id, moment)),
    execute: executing('any'),
    create: executing('new'),
    update: executing('existing'),
    commit: async (
      aggregate: AnyAggregate,
      loaded: AnyLoaded,
      events: readonly NewEvent[],
      options: StoreCommitOptions = {},
    ) => {
      checkAggregate(aggregate)
      checkLoaded(loaded)
      const prepared = await prepareCommit(host, aggregate, loaded, events)
      return sendCommit(host, aggregate, prepared, options)
    },
  }
}

function withoutOrigin({ id, state, version, exists }: AnyLoaded): AnyLoaded {
  return { id, state, version, exists }
}
