import { defineStatement, type Scope, type TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import { advanceCheckpoint } from './checkpoint.js'
import { errorRecord } from './error-record.js'
import type { Lease } from './lease.js'

/**
 * What becomes of an event that failed as often as it may: `park` puts it and the later ones of its stream aside, and the
 * rest flows on; `deadLetter` puts it alone aside; `stop` ends the consumer there.
 */
export type FailurePolicy = 'park' | 'deadLetter' | 'stop'

/**
 * Of several that fail at once the lowest is remembered: the checkpoint cannot pass it. One that it has passed is settled:
 * a transaction of a handler that was given up has acknowledged it after all.
 */
const recordStatement = defineStatement(
  'record_failure',
  (schema) => `update ${schema}.consumers c set failing_position = $3::bigint, attempts = $4::int,
    backoff_until = clock_timestamp() + $5::int * interval '1 millisecond', last_error = $6::jsonb
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint and c.position < $3::bigint
    and (c.failing_position is null or c.failing_position >= $3::bigint)`,
)

/** One failed attempt. */
export interface Failure {
  readonly position: number
  /** How many attempts have failed, this one counted. */
  readonly attempts: number
  /** How long until the next one, in milliseconds. */
  readonly wait: number
  readonly error: unknown
}

/**
 * Remembers a failed attempt beyond this process, in a statement of its own: what the attempt did in a transaction is
 * rolled back by now.
 */
export async function recordFailure(lease: Lease, failure: Failure): Promise<void> {
  const { schema } = await lease.scope.target()
  const { consumerId, epoch } = lease.claim
  const { position, attempts, wait, error } = failure
  const values = [consumerId, epoch, position, attempts, Math.round(wait), JSON.stringify(errorRecord(error))]
  await lease.scope.query(recordStatement(schema, values))
  lease.failing = { position, attempts, wait }
}

/** An event that is put aside. */
export interface Letter {
  readonly event: Pick<StoredEvent, 'position' | 'streamId' | 'id' | 'type'>
  /** Whether later events of its stream wait for it. */
  readonly parks: boolean
  /** Undefined for one that was never tried, because it waits for another. */
  readonly failure: { readonly attempts: number; readonly error: unknown } | undefined
}

/**
 * Fenced by the epoch: a row of this lease alone, locked so that an operator's act comes before it or after it. Fenced by
 * the checkpoint too: a transaction of a handler that was given up may have acknowledged the event while this waited.
 */
const writeStatement = defineStatement(
  'write_dead_letters',
  (schema) => `with held as materialized (
    select c.consumer_id from ${schema}.consumers c where c.consumer_id = $1::bigint and c.epoch = $2::bigint
      and c.position < $4::bigint for no key update)
  insert into ${schema}.dead_letters (consumer_id, position, stream_id, event_id, type, parks, waiting, attempts, error)
  select held.consumer_id, (l ->> 0)::bigint, l ->> 1, (l ->> 2)::uuid, l ->> 3, (l ->> 4)::boolean, (l ->> 5)::boolean,
    (l ->> 6)::int, nullif(l -> 7, 'null'::jsonb)
  from held cross join jsonb_array_elements($3::jsonb) l
  on conflict on constraint dead_letters_key do update set requeued_at = null, waiting = dead_letters.waiting and excluded.waiting,
    attempts = greatest(dead_letters.attempts, excluded.attempts), error = coalesce(excluded.error, dead_letters.error)`,
)

/**
 * Puts events aside, in `scope`.
 *
 * @throws LeaseLost when the lease has ended, or the checkpoint has passed one of them.
 */
export async function writeLetters(scope: Scope, lease: Lease, letters: readonly Letter[]): Promise<void> {
  if (letters.length === 0) return
  const { schema } = await scope.target()
  const { consumerId, epoch } = lease.claim
  const encoded = letters.map(({ event, parks, failure }) => [
    event.position,
    event.streamId,
    event.id,
    event.type,
    parks,
    failure === undefined,
    failure?.attempts ?? 0,
    failure === undefined ? null : errorRecord(failure.error),
  ])
  const first = Math.min(...letters.map(({ event }) => event.position))
  const { rowCount } = await scope.query(writeStatement(schema, [consumerId, epoch, JSON.stringify(encoded), first]))
  if (rowCount !== letters.length) throw lease.lostError()
}

const stopStatement = defineStatement(
  'stop_consumer',
  (schema) => `update ${schema}.consumers c set status = 'stopped', last_error = $3::jsonb
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint`,
)

/** Ends a consumer at an event, until an operator resumes it. @throws LeaseLost */
export async function stopConsumer(lease: Lease, error: unknown): Promise<void> {
  const { schema } = await lease.scope.target()
  const { consumerId, epoch } = lease.claim
  const { rowCount } = await lease.scope.query(
    stopStatement(schema, [consumerId, epoch, JSON.stringify(errorRecord(error))]),
  )
  if (rowCount !== 1) throw lease.lostError()
}

/** Puts events aside and moves the checkpoint past them, in one transaction. */
export async function skipPast(lease: Lease, letters: readonly Letter[], position: number): Promise<void> {
  await lease.scope.transaction(async (scope: TransactionScope) => {
    await Promise.all([writeLetters(scope, lease, letters), advanceCheckpoint(scope, lease, position)])
  })
  lease.position = position
}
