import { defineStatement, type Scope, type TransactionScope } from '@rillflow/core'
import { ConsumerNotFoundError } from '../errors.js'
import { describeConsumer, type ConsumerKey } from './consumer-key.js'

/**
 * What operators do to a consumer. Each act ends the leases of its workers, whose work under them is undone if it is not
 * checkpointed yet: when the act returns, nothing is stored any more that was decided before it. Rows are locked in the
 * order of partitions, as all do that lock several of them.
 */
function defineAct(operation: string, change: string): ReturnType<typeof defineStatement> {
  return defineStatement(
    operation,
    (schema) => `with locked as materialized (
    select c.consumer_id from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text order by c.partition for update)
  update ${schema}.consumers c set epoch = c.epoch + 1, lease_owner = null, lease_until = null,
    handover_to = null, handover_until = null, updated_at = now()${change}
  from locked where c.consumer_id = locked.consumer_id`,
  )
}

const settled = ', failing_position = null, attempts = 0, backoff_until = null'
const pauseStatement = defineAct('pause_consumer', ", status = 'paused'")
const resumeStatement = defineAct('resume_consumer', `, status = 'active'${settled}`)
const resetStatement = defineAct('reset_consumer', `, position = $4::bigint, last_error = null${settled}`)
const interruptStatement = defineAct('interrupt_consumer', '')

async function act(scope: Scope, key: ConsumerKey, how: Act, values: readonly unknown[] = []): Promise<void> {
  const { schema } = await scope.target()
  const { rowCount } = await scope.query(how(schema, [key.kind, key.name, key.group, ...values]))
  if (rowCount === 0) throw new ConsumerNotFoundError(describeConsumer(key))
}

type Act = ReturnType<typeof defineStatement>

/** Stops a consumer, wherever it runs, until it is resumed. @throws ConsumerNotFound */
export async function pauseConsumer(scope: Scope, key: ConsumerKey): Promise<void> {
  await act(scope, key, pauseStatement)
}

/** Lets a consumer that is paused, or has stopped at a failure, go on; what failed is tried from the first attempt on. */
export async function resumeConsumer(scope: Scope, key: ConsumerKey): Promise<void> {
  await act(scope, key, resumeStatement)
}

/** Ends the leases of a consumer, in `scope`, whose workers take them again with what they find then. */
export async function interruptConsumer(scope: TransactionScope, key: ConsumerKey): Promise<void> {
  await act(scope, key, interruptStatement)
}

/** An array, and not a join: those of one consumer are found by their index however many letters there are. */
const forgetLettersStatement = defineStatement(
  'forget_letters',
  (schema) => `delete from ${schema}.dead_letters l
  where l.position > $4::bigint and l.consumer_id = any(array(select c.consumer_id from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text))`,
)

/**
 * Sets the checkpoint of all partitions. What lies behind it is handled, again; dead letters behind it are forgotten, for
 * their events come again too.
 */
export async function resetConsumer(scope: Scope, key: ConsumerKey, position: number): Promise<void> {
  await scope.transaction(async (inside) => {
    await act(inside, key, resetStatement, [position])
    // After the row is locked: a worker that is about to put something aside has done so, or never will.
    const { schema } = await inside.target()
    await inside.query(forgetLettersStatement(schema, [key.kind, key.name, key.group, position]))
  })
}

const maxInFlightStatement = defineStatement(
  'set_max_in_flight',
  (schema) => `with locked as materialized (
    select c.consumer_id from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text order by c.partition for no key update)
  update ${schema}.consumers c set max_in_flight = $4::int, updated_at = now()
  from locked where c.consumer_id = locked.consumer_id`,
)

/** How many events may be in flight at once, in each partition; workers hear of it with their next heartbeat. */
export async function setMaxInFlight(scope: Scope, key: ConsumerKey, value: number): Promise<void> {
  await act(scope, key, maxInFlightStatement, [value])
}

const removeStatement = defineStatement(
  'remove_consumer',
  (schema) => `with locked as materialized (
    select c.consumer_id from ${schema}.consumers c
    where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text order by c.partition for update)
  delete from ${schema}.consumers c using locked where c.consumer_id = locked.consumer_id`,
)

/** Forgets a consumer, its checkpoint and its dead letters. */
export async function removeConsumer(scope: Scope, key: ConsumerKey): Promise<void> {
  await act(scope, key, removeStatement)
}
