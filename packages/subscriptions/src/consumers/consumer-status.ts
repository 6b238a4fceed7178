import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { ConsumerNotFoundError } from '../errors.js'
import { describeConsumer, type ConsumerKind } from './consumer-key.js'
import type { ErrorRecord } from './error-record.js'

/** `active` runs wherever there is a worker; `paused` by an operator; `stopped` at an event that failed. */
export type ConsumerState = 'active' | 'paused' | 'stopped'

/** Where a consumer stands. */
export interface ConsumerStatus {
  readonly name: string
  /** Empty for the only one. */
  readonly group: string
  readonly version: number
  /** `stopped` when one of its partitions is. */
  readonly state: ConsumerState
  /** Everything that it selects up to here is handled, or is a dead letter: the least of its partitions. */
  readonly position: number
  /** The safe head. */
  readonly head: number
  /** How far it is behind the head, in positions: at least as many as events. */
  readonly lag: number
  readonly maxInFlight: number
  /** Events that failed for good, and those that wait behind them. */
  readonly deadLetters: { readonly failed: number; readonly waiting: number }
  readonly partitions: readonly PartitionStatus[]
}

/** Where one partition of a consumer stands. */
export interface PartitionStatus {
  readonly partition: number
  readonly position: number
  readonly state: ConsumerState
  /** The worker that has the lease; undefined when none has. */
  readonly worker: string | undefined
  /** What is to be tried again: its position, how often it has failed, and how long it must wait still, in milliseconds. */
  readonly failing: { readonly position: number; readonly attempts: number; readonly wait: number } | undefined
  /** Of the last attempt that failed, whenever that was. */
  readonly lastError: ErrorRecord | undefined
}

type StatusRow = readonly [
  name: string,
  group: string,
  version: number,
  partition: number,
  position: string,
  state: ConsumerState,
  worker: string | null,
  maxInFlight: number,
  failing: string | null,
  attempts: number,
  wait: number,
  error: string | null,
  failed: string,
  waiting: string,
]

const statusStatement = defineStatement(
  'consumer_status',
  (schema) => `select c.name, c.group_name, c.version, c.partition, c.position::text as position, c.status,
    case when c.lease_until >= clock_timestamp() then c.lease_owner::text end as worker, c.max_in_flight,
    c.failing_position::text as failing, c.attempts,
    greatest(0, coalesce(extract(epoch from c.backoff_until - clock_timestamp()) * 1000, 0))::int as wait,
    c.last_error::text as error, l.failed::text as failed, l.waiting::text as waiting
  from ${schema}.consumers c cross join lateral (
    select count(*) filter (where not d.waiting) as failed, count(*) filter (where d.waiting) as waiting
    from ${schema}.dead_letters d where d.consumer_id = c.consumer_id) l
  where c.kind = $1::text and ($2::text is null or c.name = $2::text) and ($3::text is null or c.group_name = $3::text)
  order by c.name, c.group_name, c.partition`,
)

/** Which consumers are looked at. */
export interface StatusRequest {
  readonly kind: ConsumerKind
  readonly name?: string | undefined
  readonly group?: string | undefined
}

/** Where consumers stand; `readHead` gives the safe head. */
export async function listConsumers(
  scope: Scope,
  { kind, name, group }: StatusRequest,
  readHead: () => Promise<number>,
): Promise<readonly ConsumerStatus[]> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<StatusRow>(statusStatement(schema, [kind, name ?? null, group ?? null]))
  // After the rows, so that no checkpoint lies beyond it.
  const head = await readHead()
  const consumers = new Map<string, StatusRow[]>()
  for (const row of rows) {
    const key = JSON.stringify([row[0], row[1]])
    consumers.set(key, [...(consumers.get(key) ?? []), row])
  }
  return [...consumers.values()].map((of) => toStatus(of, head))
}

/** Where one consumer stands. @throws ConsumerNotFound */
export async function statusOfConsumer(
  scope: Scope,
  request: StatusRequest & { readonly name: string; readonly group: string },
  readHead: () => Promise<number>,
): Promise<ConsumerStatus> {
  const [status] = await listConsumers(scope, request, readHead)
  if (status === undefined) throw new ConsumerNotFoundError(describeConsumer(request))
  return status
}

function toStatus(rows: readonly StatusRow[], head: number): ConsumerStatus {
  const partitions = rows.map(toPartition)
  const [first] = rows as readonly [StatusRow]
  const position = Math.min(...partitions.map((each) => each.position))
  const states = new Set(partitions.map(({ state }) => state))
  return {
    name: first[0],
    group: first[1],
    version: first[2],
    state: states.has('stopped') ? 'stopped' : states.has('paused') ? 'paused' : 'active',
    position,
    head,
    lag: Math.max(0, head - position),
    maxInFlight: first[7],
    deadLetters: { failed: sum(rows, 12), waiting: sum(rows, 13) },
    partitions,
  }
}

function toPartition(row: StatusRow): PartitionStatus {
  const [, , , partition, position, state, worker, , failing, attempts, wait, error] = row
  return {
    partition,
    position: safeInteger(position, 'position'),
    state,
    worker: worker ?? undefined,
    failing: failing === null ? undefined : { position: safeInteger(failing, 'position'), attempts, wait },
    lastError: error === null ? undefined : (JSON.parse(error) as ErrorRecord),
  }
}

function sum(rows: readonly StatusRow[], column: 12 | 13): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0)
}
