import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import type { Lease } from './lease.js'

/**
 * Moves the checkpoint on, from where this lease left it. The process may be frozen between this and its COMMIT: the
 * server then ends its connection when the lease has ended too, so that the row does not stay locked. What failed at or
 * below the new place is settled.
 */
const advanceStatement = defineStatement(
  'advance_checkpoint',
  (schema) => `update ${schema}.consumers c set position = $4::bigint, updated_at = now(),
    failing_position = case when c.failing_position > $4::bigint then c.failing_position end,
    attempts = case when c.failing_position > $4::bigint then c.attempts else 0 end,
    backoff_until = case when c.failing_position > $4::bigint then c.backoff_until end
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint and c.position = $3::bigint
  returning set_config('idle_in_transaction_session_timeout', $5::text, true)`,
)

/** How long a transaction may stand still between its checkpoint and its COMMIT, in milliseconds. */
export const longestPause = '5000'

/**
 * Moves the checkpoint on, in `scope`: with whatever else its transaction writes, or alone.
 *
 * @throws LeaseLost when the lease has ended, or the checkpoint is not where this lease left it.
 */
export async function advanceCheckpoint(scope: Scope, lease: Lease, position: number): Promise<void> {
  const { schema } = await scope.target()
  const { consumerId, epoch } = lease.claim
  const values = [consumerId, epoch, lease.position, position, longestPause]
  const { rowCount } = await scope.query(advanceStatement(schema, values))
  if (rowCount !== 1) throw lease.lostError()
}

const acknowledgeStatement = defineStatement(
  'acknowledge',
  (schema) => `update ${schema}.consumers c set position = greatest(c.position, $3::bigint), updated_at = now(),
    failing_position = case when c.failing_position > $3::bigint then c.failing_position end,
    attempts = case when c.failing_position > $3::bigint then c.attempts else 0 end,
    backoff_until = case when c.failing_position > $3::bigint then c.backoff_until end
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint and (c.position < $3::bigint or not $4::boolean)
  returning set_config('idle_in_transaction_session_timeout', $5::text, true)`,
)

/**
 * Tells that everything up to `position` was handled. Never goes backward: acks that were told in transactions of their
 * own may have come further. `once` refuses what was told before.
 *
 * @throws LeaseLost
 */
export async function acknowledge(
  scope: Scope,
  lease: Lease,
  { position, once }: { readonly position: number; readonly once: boolean },
): Promise<void> {
  const { schema } = await scope.target()
  const { consumerId, epoch } = lease.claim
  const values = [consumerId, epoch, position, once, longestPause]
  const { rowCount } = await scope.query(acknowledgeStatement(schema, values))
  if (rowCount !== 1) throw lease.lostError()
}

const releaseStatement = defineStatement(
  'release_lease',
  (schema) => `update ${schema}.consumers c set lease_owner = null, lease_until = null
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint`,
)

/** Lets go of a lease, so that the next worker need not wait for its end. Harmless when it is lost already. */
export async function releaseLease(lease: Lease): Promise<void> {
  const { schema } = await lease.scope.target()
  const { consumerId, epoch } = lease.claim
  await lease.scope.query(releaseStatement(schema, [consumerId, epoch]))
}

const checkpointStatement = defineStatement(
  'read_checkpoint',
  (schema) => `select c.position::text as position from ${schema}.consumers c
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint`,
)

/** The checkpoint as it stands. @throws LeaseLost */
export async function readCheckpoint(lease: Lease): Promise<number> {
  const { schema } = await lease.scope.target()
  const { consumerId, epoch } = lease.claim
  const { rows } = await lease.scope.query<readonly [position: string]>(
    checkpointStatement(schema, [consumerId, epoch]),
  )
  if (rows[0] === undefined) throw lease.lostError()
  return safeInteger(rows[0][0], 'position')
}
