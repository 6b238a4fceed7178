import { defineStatement } from '@rillflow/core'

const named = "c.kind = 'projection' and c.name = $1::text and c.group_name"

/** `[name, version]`: the consumer that readers' data hangs on; made for a projection that never ran. */
export const ensureLive = defineStatement(
  'ensure_projection',
  (
    schema,
  ) => `insert into ${schema}.consumers (kind, name, version, position) values ('projection', $1::text, $2::int, 0)
  on conflict on constraint consumers_key do nothing`,
)

/** `[name]`: holds the row, so that no worker moves its checkpoint, and tells where it stands. */
export const lockLive = defineStatement(
  'lock_projection',
  (schema) =>
    `select c.position::text as position, c.version from ${schema}.consumers c where ${named} = '' for update`,
)

/** `[name, version]`: the row of a rebuild; none when one of this version is under way. One that stopped begins anew. */
export const beginRebuild = defineStatement(
  'begin_rebuild',
  (schema) => `insert into ${schema}.consumers as c (kind, name, group_name, version, position)
  values ('projection', $1::text, 'rebuild', $2::int, 0)
  on conflict on constraint consumers_key do update set version = excluded.version, position = 0, epoch = c.epoch + 1,
    lease_owner = null, lease_until = null, status = 'active', failing_position = null, attempts = 0, backoff_until = null,
    last_error = null, updated_at = now()
  where c.version < excluded.version or (c.version = excluded.version and c.status = 'stopped')
  returning c.consumer_id::text as consumer_id`,
)

/** `[consumer id]` */
export const forgetLetters = defineStatement(
  'forget_rebuild_letters',
  (schema) => `delete from ${schema}.dead_letters l where l.consumer_id = $1::bigint`,
)

/** `[consumer id, epoch, position]`: holds the row of the rebuild, if the lease on it lasts. */
export const lockRebuild = defineStatement(
  'lock_rebuild',
  (schema) => `select true as held from ${schema}.consumers c
  where c.consumer_id = $1::bigint and c.epoch = $2::bigint and c.position = $3::bigint for update`,
)

/** `[name]`: what was put aside before is projected by the rebuild, or put aside by it too. */
export const dropLiveLetters = defineStatement(
  'drop_live_letters',
  (schema) => `delete from ${schema}.dead_letters l using ${schema}.consumers c
  where ${named} = '' and l.consumer_id = c.consumer_id`,
)

/** `[name, rebuild's consumer id]`: what the rebuild has put aside belongs to what readers see from now on. */
export const takeLetters = defineStatement(
  'take_rebuild_letters',
  (schema) => `update ${schema}.dead_letters l set consumer_id = c.consumer_id from ${schema}.consumers c
  where ${named} = '' and l.consumer_id = $2::bigint`,
)

/**
 * `[name, position, version]`: whoever works on what readers saw before has an older epoch, and code of an older version
 * finds no lease.
 */
export const finishRebuild = defineStatement(
  'finish_rebuild',
  (schema) => `update ${schema}.consumers c set position = $2::bigint, version = $3::int, epoch = c.epoch + 1,
    lease_owner = null, lease_until = null, status = case when c.status = 'stopped' then 'active' else c.status end,
    failing_position = null, attempts = 0, backoff_until = null, last_error = null, updated_at = now()
  where ${named} = ''`,
)

/** `[consumer id]` */
export const endRebuild = defineStatement(
  'end_rebuild',
  (schema) => `delete from ${schema}.consumers c where c.consumer_id = $1::bigint`,
)

/** `[name]` */
export const findRebuild = defineStatement(
  'find_rebuild',
  (schema) => `select c.version, c.status, coalesce(c.failing_position, c.position)::text as position
  from ${schema}.consumers c where ${named} = 'rebuild'`,
)

/**
 * Waits for the appends that are under way, and holds those that come: an inline projection must not change behind the
 * back of its rebuild. Not for long: whoever appends waits behind whoever waits for this.
 */
export const holdAppends = defineStatement(
  'hold_appends',
  (schema) => `lock table ${schema}.events in share row exclusive mode`,
)

/**
 * The last event. Only while appends are held: then none is under way at a lower position. The safe head does not do, for
 * those who wait to append hold it where it was when they began.
 */
export const lastEvent = defineStatement(
  'last_event',
  (schema) => `select coalesce(max(e.position), 0)::text as position from ${schema}.events e`,
)

export const limitWait = defineStatement(
  'limit_wait',
  () => `select set_config('lock_timeout', '2000', true) as limited`,
)

/** What is made may be large, and moving it takes as long as it takes. */
export const lift = defineStatement('lift_limit', () => `select set_config('statement_timeout', '0', true) as lifted`)
