import { defineStatement, type Statement } from '@rillflow/core'

/** So many locks are taken one by one; more would fill the lock table of the server. */
const maxLocks = 64

/** Shared on the projection as a whole, and on each key; in the order of the locks, or two would deadlock. */
const lockEach = defineStatement(
  'lock_keys',
  () => `with whole as materialized (
  select pg_advisory_xact_lock_shared(hashtext('rillflow.projection'), hashtext($1::text))::text as held
)
select count(k.held)::int as locked from whole cross join lateral (
  select pg_advisory_xact_lock(hashtext('rillflow.projection ' || $1::text), h.hash)::text || whole.held as held
  from (select distinct hashtext(u.key) as hash from jsonb_array_elements_text($2::jsonb) as u (key) order by 1 offset 0) h
) k`,
)

const lockWhole = defineStatement(
  'lock_projection',
  () => `select pg_advisory_xact_lock(hashtext('rillflow.projection'), hashtext($1::text))::text as locked`,
)

/**
 * Keeps others from making documents of these keys until the transaction ends: a row that is not there cannot be held. Two
 * keys may share a lock, which costs waiting and nothing else.
 */
export function lockKeys(schema: string, projection: string, keys: readonly string[]): Statement {
  const name = JSON.stringify([schema, projection])
  return keys.length > maxLocks ? lockWhole('-', [name]) : lockEach('-', [name, JSON.stringify(keys)])
}
