import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { longestPause } from './checkpoint.js'
import { errorRecord } from './error-record.js'
import type { Lease } from './lease.js'

/** What was put aside and concerns a worker that begins. */
export interface Aside {
  /** Streams of which later events must wait. */
  readonly parked: ReadonlySet<string>
  /** What is to be tried again, in the order of positions. */
  readonly requeued: readonly RequeuedLetter[]
  /** Positions behind the checkpoint of events that were put aside alone: their worker ended before it could pass them. */
  readonly ahead: ReadonlySet<number>
}

/** A dead letter that an operator has put back. */
export interface RequeuedLetter {
  readonly id: string
  readonly position: number
  readonly streamId: string
  readonly parks: boolean
  readonly attempts: number
}

type AsideRow = readonly [
  id: string | null,
  position: string | null,
  streamId: string,
  parks: boolean,
  attempts: number,
]

/** One row for each requeued letter, for each parked stream, and for each letter alone that the checkpoint has not passed. */
const asideStatement = defineStatement(
  'read_aside',
  (schema) => `select l.letter_id::text as id, l.position::text as position, l.stream_id, l.parks, l.attempts
    from ${schema}.dead_letters l where l.consumer_id = $1::bigint and l.requeued_at is not null
  union all
  select distinct null, null::text, l.stream_id, true, 0
    from ${schema}.dead_letters l where l.consumer_id = $1::bigint and l.parks
  union all
  select null, l.position::text, l.stream_id, false, 0
    from ${schema}.dead_letters l join ${schema}.consumers c on c.consumer_id = l.consumer_id
    where l.consumer_id = $1::bigint and l.position > c.position and not l.parks and l.requeued_at is null`,
)

/** Reads what was put aside; asked when a lease begins, and what operators do afterwards ends the lease. */
export async function readAside(lease: Lease): Promise<Aside> {
  const { schema } = await lease.scope.target()
  const { rows } = await lease.scope.query<AsideRow>(asideStatement(schema, [lease.claim.consumerId]))
  const parked = new Set<string>()
  const requeued: RequeuedLetter[] = []
  const ahead = new Set<number>()
  for (const [id, position, streamId, parks, attempts] of rows) {
    if (position === null) parked.add(streamId)
    else if (id === null) ahead.add(safeInteger(position, 'position'))
    else requeued.push({ id, position: safeInteger(position, 'position'), streamId, parks, attempts })
  }
  return { parked, requeued: requeued.toSorted((one, other) => one.position - other.position), ahead }
}

/** It holds the consumer's row until its COMMIT, like a checkpoint, and no longer than one. */
const settleStatement = defineStatement(
  'settle_letter',
  (schema) => `with held as materialized (
    select c.consumer_id from ${schema}.consumers c where c.consumer_id = $1::bigint and c.epoch = $2::bigint for no key update)
  delete from ${schema}.dead_letters l using held where l.consumer_id = held.consumer_id and l.letter_id = $3::bigint
  returning set_config('idle_in_transaction_session_timeout', $4::text, true)`,
)

/**
 * Takes away a letter whose event was handled, in `scope`: with what the handler wrote, or alone.
 *
 * @throws LeaseLost when the lease has ended, or the letter is gone.
 */
export async function settleLetter(scope: Scope, lease: Lease, id: string): Promise<void> {
  const { schema } = await scope.target()
  const { consumerId, epoch } = lease.claim
  const { rowCount } = await scope.query(settleStatement(schema, [consumerId, epoch, id, longestPause]))
  if (rowCount !== 1) throw lease.lostError()
}

const hasStatement = defineStatement(
  'has_letter',
  (schema) => `select exists (select from ${schema}.dead_letters l where l.letter_id = $1::bigint) as has`,
)

/** Whether a letter is there. */
export async function hasLetter(lease: Lease, id: string): Promise<boolean> {
  const { schema } = await lease.scope.target()
  const { rows } = await lease.scope.query<readonly [boolean]>(hasStatement(schema, [id]))
  return rows[0]?.[0] === true
}

/** Whether anything of a stream is still put aside so that later events must wait. */
const parkedStatement = defineStatement(
  'is_parked',
  (schema) => `select exists (select from ${schema}.dead_letters l
    where l.consumer_id = $1::bigint and l.stream_id = $2::text and l.parks) as parked`,
)

/** Whether later events of a stream must wait. */
export async function isParked(lease: Lease, streamId: string): Promise<boolean> {
  const { schema } = await lease.scope.target()
  const { rows } = await lease.scope.query<readonly [boolean]>(
    parkedStatement(schema, [lease.claim.consumerId, streamId]),
  )
  return rows[0]?.[0] === true
}

/** A requeued letter that failed again waits for the next requeueing, and with it those behind it in its stream. */
const failAgainStatement = defineStatement(
  'fail_letter',
  (schema) => `with held as materialized (
    select c.consumer_id from ${schema}.consumers c where c.consumer_id = $1::bigint and c.epoch = $2::bigint for no key update)
  update ${schema}.dead_letters l set requeued_at = null,
    attempts = case when l.letter_id = $3::bigint then l.attempts + 1 else l.attempts end,
    waiting = l.waiting and l.letter_id <> $3::bigint,
    error = case when l.letter_id = $3::bigint then $5::jsonb else l.error end
  from held where l.consumer_id = held.consumer_id
    and (l.letter_id = $3::bigint or (l.parks and l.stream_id = $4::text))`,
)

/** Puts a requeued letter back to where it was, with its new error. @throws LeaseLost */
export async function failLetterAgain(lease: Lease, letter: RequeuedLetter, error: unknown): Promise<void> {
  const { schema } = await lease.scope.target()
  const { consumerId, epoch } = lease.claim
  const values = [consumerId, epoch, letter.id, letter.parks ? letter.streamId : '', JSON.stringify(errorRecord(error))]
  const { rowCount } = await lease.scope.query(failAgainStatement(schema, values))
  if (rowCount === 0) throw lease.lostError()
}
