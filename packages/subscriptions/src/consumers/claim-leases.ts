import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import type { ConsumerKey } from './consumer-key.js'

/** What a worker learns of a partition when it takes its lease. */
export interface Claim {
  readonly consumerId: string
  readonly partition: number
  readonly partitions: number
  readonly version: number
  readonly position: number
  readonly epoch: string
  readonly maxInFlight: number
  /** The event that failed before, how often, and how long it must still wait, in milliseconds. */
  readonly failing: Failing | undefined
}

/** An event that is to be tried again. */
export interface Failing {
  readonly position: number
  readonly attempts: number
  readonly wait: number
}

type ClaimRow = readonly [
  consumerId: string,
  partition: number,
  partitions: number,
  version: number,
  position: string,
  epoch: string,
  maxInFlight: number,
  failingPosition: string | null,
  attempts: number,
  wait: number,
]

/**
 * Takes what is free. A row that somebody has locked is left for the next look: its owner is alive, or its connection is
 * about to be ended.
 */
const claimStatement = defineStatement(
  'claim_leases',
  (schema) => `with free as (
    select c.consumer_id from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text and c.version = $7::int and c.status = 'active'
      and (c.lease_until is null or c.lease_until < clock_timestamp())
      and (c.handover_to is null or c.handover_to = $4::uuid or c.handover_until < clock_timestamp())
    order by c.partition limit $6::int for update skip locked)
  update ${schema}.consumers c set lease_owner = $4::uuid, lease_until = clock_timestamp() + $5::int * interval '1 millisecond',
    epoch = c.epoch + 1, handover_to = null, handover_until = null
  from free where c.consumer_id = free.consumer_id
  returning c.consumer_id::text as consumer_id, c.partition, c.partitions, c.version, c.position::text as position,
    c.epoch::text as epoch, c.max_in_flight, c.failing_position::text as failing_position, c.attempts,
    greatest(0, coalesce(extract(epoch from c.backoff_until - clock_timestamp()) * 1000, 0))::int as wait`,
)

/** Who claims, and how much. */
export interface Claimant {
  /** A UUID that no other worker has; process ids repeat from container to container. */
  readonly worker: string
  /** How long a lease lasts when it is not renewed, in milliseconds. */
  readonly duration: number
  /** How many partitions it takes at the most. */
  readonly most: number
  /** Of what it was made for: a consumer of another version is left to others. */
  readonly version: number
}

/** Takes the leases of free partitions of a consumer, in one round trip; none when all are held, paused or stopped. */
export async function claimLeases(scope: Scope, key: ConsumerKey, claimant: Claimant): Promise<readonly Claim[]> {
  const { schema } = await scope.target()
  const { worker, duration, most, version } = claimant
  const values = [key.kind, key.name, key.group, worker, duration, most, version]
  const { rows } = await scope.query<ClaimRow>(claimStatement(schema, values))
  return rows.map(toClaim)
}

function toClaim(row: ClaimRow): Claim {
  const [consumerId, partition, partitions, version, position, epoch, maxInFlight, failing, attempts, wait] = row
  return {
    consumerId,
    partition,
    partitions,
    version,
    position: safeInteger(position, 'position'),
    epoch,
    maxInFlight,
    failing: failing === null ? undefined : { position: safeInteger(failing, 'position'), attempts, wait },
  }
}

/**
 * Asks the worker with the most partitions for one of them, when it has two more than this one: it finishes what it has
 * in hand and lets go. Nobody else may take it meanwhile.
 */
const requestStatement = defineStatement(
  'request_handover',
  (schema) => `with held as (
    select c.consumer_id, c.partition, c.lease_owner, c.handover_to, c.handover_until > clock_timestamp() as asked
    from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text and c.status = 'active'
      and c.lease_until >= clock_timestamp()),
  counts as (
    select h.lease_owner, count(*) filter (where h.asked is not true) as remaining from held h group by h.lease_owner),
  mine as (
    select count(*) filter (where h.lease_owner = $4::uuid and h.asked is not true)
      + count(*) filter (where h.handover_to = $4::uuid and h.asked) as count from held h),
  richest as (
    select c.lease_owner from counts c, mine
    where c.lease_owner <> $4::uuid and c.remaining >= mine.count + 2 order by c.remaining desc, c.lease_owner limit 1),
  chosen as (
    select h.consumer_id, h.lease_owner from held h join richest r on r.lease_owner = h.lease_owner
    where h.asked is not true order by h.partition desc limit 1)
  update ${schema}.consumers c set handover_to = $4::uuid, handover_until = clock_timestamp() + $5::int * interval '1 millisecond'
  from chosen where c.consumer_id = chosen.consumer_id and c.lease_owner = chosen.lease_owner
    and (c.handover_to is null or c.handover_until < clock_timestamp())`,
)

/** Asks for a partition of a worker that has more; true when it asked. */
export async function requestHandover(scope: Scope, key: ConsumerKey, claimant: Claimant): Promise<boolean> {
  const { schema } = await scope.target()
  // As long as a lease, twice: the owner must hear of it, finish, and the one who asked must come and take it.
  const values = [key.kind, key.name, key.group, claimant.worker, claimant.duration * 2]
  const { rowCount } = await scope.query(requestStatement(schema, values))
  return rowCount > 0
}
