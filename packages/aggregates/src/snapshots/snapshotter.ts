import {
  defineStatement,
  InvalidArgumentError,
  isRillflowError,
  safeInteger,
  type RillflowError,
  type TransactionScope,
} from '@rillflow/core'
import type { EventSchemas } from '@rillflow/events'
import type { AggregateDefinition } from '../definition/aggregate.js'
import type { AnyAggregate } from '../definition/any-aggregate.js'
import { checkAggregate } from '../definition/check-aggregate.js'
import { loadAggregate, type LoadHost } from '../load/load-aggregate.js'
import { toSnapshot, writeSnapshots, type SnapshotRow } from './write-snapshots.js'

/** Where a snapshotter works. */
export interface SnapshotHost extends LoadHost {
  /** The same inside a transaction. */
  readonly within: (scope: TransactionScope) => LoadHost
}

/** Which streams need a snapshot. */
export interface CandidateOptions {
  /** Those with at least so many events behind their snapshot; the policy's `every` unless told. */
  readonly threshold?: number | undefined
}

/** How snapshots are taken of what needs one. */
export interface SnapshotOptions extends CandidateOptions {
  /** So many streams are done in one transaction; 100 unless told, 1,000 at the most. */
  readonly batch?: number | undefined
  /** Only streams behind this id, in the order of their bytes: the `last` of a report, for the next batch. */
  readonly after?: string | undefined
  /** Ends the work behind the batch that is under way. */
  readonly signal?: AbortSignal | undefined
}

/** How much there is to do. */
export interface SnapshotBacklog {
  /** How many streams of the aggregate need a snapshot. */
  readonly candidates: number
  /** The most events that any stream has behind its snapshot; 0 without candidates. */
  readonly largestGap: number
}

/** What was done. */
export interface SnapshotReport {
  /** How many streams needed a snapshot and were not in the hands of another process. */
  readonly candidates: number
  readonly taken: number
  /** The most events that one of them had behind its snapshot. */
  readonly largestGap: number
  /** The last stream that was looked at; undefined when there was none. */
  readonly last: string | undefined
  /** Those whose state could not be made or stored; the others are done all the same. */
  readonly failed: readonly { readonly id: string; readonly error: RillflowError }[]
}

/**
 * Takes snapshots apart from commits: of streams from before the policy, and after a new version of the state. Streams are
 * those of the category of the aggregate's events. Any number of processes may do so at once: each stream is done by one.
 */
export interface Snapshotter {
  /** Counts what there is to do; reads every stream of the category. */
  backlog<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    options?: CandidateOptions,
  ): Promise<SnapshotBacklog>
  /** Does one batch. */
  takeBatch<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    options?: SnapshotOptions,
  ): Promise<SnapshotReport>
  /** Goes through all streams once, batch by batch; what needs a snapshot only afterwards is left to the next time. */
  takeAll<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    options?: SnapshotOptions,
  ): Promise<SnapshotReport>
}

/**
 * A newer shape of the state belongs to newer code, and its snapshots are not this one's business: they would be taken
 * again and again, and never stored. A snapshot whose last event the stream does not have is of a stream that was lost.
 */
const candidates = (schema: string): string => `select t.stream_id, t.version - coalesce(e.version, 0) as gap,
    case when s.schema_version = $2::int and e.version is null then s.event_id end as lost
  from ${schema}.streams t
    left join ${schema}.snapshots s on s.aggregate = $1::text and s.stream_id = t.stream_id
    left join ${schema}.events e on s.schema_version = $2::int
      and e.stream_no = t.stream_no and e.version = s.version and e.event_id = s.event_id
  where t.category = $3::text and t.tombstoned_at is null and coalesce(s.schema_version, 0) <= $2::int
    and t.version - coalesce(e.version, 0) >= $4::bigint`

const backlogStatement = defineStatement(
  'snapshot_backlog',
  (schema) =>
    `select count(*)::text as candidates, coalesce(max(c.gap), 0)::text as largest_gap from (${candidates(schema)}) c`,
)

/**
 * Candidates behind stream `$5`, in the order of their ids, that nobody else has in hand: the lock is tried on one after
 * the other until there are `$6` of them, and lasts as long as the transaction.
 */
const claimStatement = defineStatement(
  'claim_snapshots',
  (schema) => `select c.stream_id, c.gap::text as gap, c.lost::text as lost from (
  ${candidates(schema)} and t.stream_id > $5::text collate "C" and t.stream_no <= $8::bigint
  order by t.stream_id offset 0) c
  where pg_try_advisory_xact_lock(hashtext($7::text || $1::text), hashtext(c.stream_id))
  limit $6::int`,
)

/** The number of the newest stream: those that are begun later are left to the next time, or the work need not end. */
const newestStatement = defineStatement(
  'newest_stream',
  (schema) => `select coalesce(pg_catalog.pg_sequence_last_value(n.tableoid), 0)::text as newest
  from ${schema}.streams_stream_no_seq n`,
)

/** Makes the snapshotter of one scope. */
export function snapshotter(host: SnapshotHost): Snapshotter {
  return {
    async backlog(aggregate, options = {}) {
      const { schema } = await host.scope.target()
      const { rows } = await host.scope.query<readonly [candidates: string, largestGap: string]>(
        backlogStatement(schema, candidateValues(aggregate, options)),
      )
      const [count, gap] = rows[0] as readonly [string, string]
      return { candidates: Number(count), largestGap: safeInteger(gap, 'version') }
    },
    async takeBatch(aggregate, options = {}) {
      const work = await begin(host, aggregate, options)
      if (options.signal?.aborted !== true) await takeNext(host, aggregate, work)
      return work.report
    },
    async takeAll(aggregate, options = {}) {
      const work = await begin(host, aggregate, options)
      // Each batch begins behind the one before, in the order of the ids: it comes to an end.
      while (!work.done && options.signal?.aborted !== true) await takeNext(host, aggregate, work)
      return work.report
    },
  }
}

interface Work {
  readonly threshold: number
  readonly batch: number
  /** The first parameters of the statements. */
  readonly values: readonly unknown[]
  readonly newest: string
  /** The last stream of the batch before. */
  after: string
  done: boolean
  report: SnapshotReport
}

async function begin(host: SnapshotHost, aggregate: AnyAggregate, options: SnapshotOptions): Promise<Work> {
  const values = candidateValues(aggregate, options)
  const batch = checkCount('batch', options.batch ?? 100, maxBatch)
  const { schema } = await host.scope.target()
  const { rows } = await host.scope.query<readonly [newest: string]>(newestStatement(schema, []))
  const newest = rows[0]?.[0] ?? '0'
  const report = { candidates: 0, taken: 0, largestGap: 0, last: undefined, failed: [] }
  return { threshold: values[3], batch, values, newest, after: options.after ?? '', done: false, report }
}

type CandidateValues = readonly [aggregate: string, schemaVersion: number, category: string, threshold: number]

function candidateValues(aggregate: AnyAggregate, { threshold }: CandidateOptions): CandidateValues {
  checkAggregate(aggregate)
  const { snapshot, name, events } = aggregate
  if (snapshot === undefined) {
    throw new InvalidArgumentError(
      'aggregate',
      `The aggregate ${name} has no snapshot policy: give it snapshot: { … }.`,
    )
  }
  return [name, snapshot.version, events.category, checkCount('threshold', threshold ?? snapshot.every)]
}

/** Each stream in hand is a lock, and a server has room for some thousands of them. */
const maxBatch = 1_000

function checkCount(argument: string, value: number, most = 2_147_483_647): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new InvalidArgumentError(argument, `${argument} must be a whole number from 1 to ${most}.`)
}

type ClaimRow = readonly [streamId: string, gap: string, lost: string | null]

type Failure = SnapshotReport['failed'][number]

/** Does the next batch in one transaction, which holds its streams against other snapshotters, not against appends. */
async function takeNext(host: SnapshotHost, aggregate: AnyAggregate, work: Work): Promise<void> {
  const { schema } = await host.scope.target()
  const { rows, done, failed } = await host.scope.transaction(async (scope) => {
    const values = [...work.values, work.after, work.batch, schema, work.newest]
    const claimed = await scope.query<ClaimRow>(claimStatement(schema, values))
    const states: SnapshotRow[] = []
    const failures: Failure[] = []
    for (const [id] of claimed.rows) {
      const made = await takeOne(host.within(scope), aggregate, id, work.threshold)
      if (made !== undefined && 'error' in made) failures.push(made)
      else if (made !== undefined) states.push(made)
    }
    const lost = claimed.rows.flatMap(([, , event]) => event ?? [])
    if (states.length > 0) await writeSnapshots(scope, schema, states, { appended: false, lost })
    return { rows: claimed.rows, done: states.map(({ id }) => id), failed: failures }
  })
  const { report } = work
  const ids = new Set([...done, ...failed.map(({ id }) => id)])
  const gaps = rows.filter(([id]) => ids.has(id)).map(([, gap]) => safeInteger(gap, 'version'))
  work.report = {
    candidates: report.candidates + ids.size,
    taken: report.taken + done.length,
    largestGap: Math.max(report.largestGap, ...gaps),
    last: rows.at(-1)?.[0] ?? report.last,
    failed: [...report.failed, ...failed],
  }
  work.after = work.report.last ?? work.after
  work.done = rows.length < work.batch
}

/** The snapshot of one stream; undefined when another process has taken it since it was found. */
async function takeOne(
  host: LoadHost,
  aggregate: AnyAggregate,
  id: string,
  threshold: number,
): Promise<SnapshotRow | Failure | undefined> {
  try {
    const { state, version, snapshotVersion } = await loadAggregate(host, aggregate, id)
    if (version - snapshotVersion < threshold) return undefined
    return toSnapshot(aggregate, { id, to: version, state })
  } catch (error) {
    // What is wrong with one stream must not keep the others from theirs; what is wrong with the database must.
    if (isRillflowError(error) && ofTheStream.has(error.code)) return { id, error }
    throw error
  }
}

const ofTheStream = new Set([
  'EvolveFailed',
  'UnknownEventType',
  'EventTooNew',
  'UpcastFailed',
  'UnstorableValue',
  'InvalidState',
])
