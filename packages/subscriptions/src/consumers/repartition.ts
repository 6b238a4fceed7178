import { defineStatement, type Scope } from '@rillflow/core'
import { partitionOf } from '@rillflow/events'
import { ConsumerNotFoundError } from '../errors.js'
import { describeConsumer, type ConsumerKey } from './consumer-key.js'

const ofGroup = 'c.kind = $1::text and c.name = $2::text and c.group_name = $3::text'

/** In the order of partitions, as all do that lock several of them. Every epoch grows: no worker of before can write. */
const lockStatement = defineStatement(
  'lock_partitions',
  (schema) => `with locked as materialized (
    select c.consumer_id, c.position from ${schema}.consumers c where ${ofGroup} order by c.partition for update)
  update ${schema}.consumers c set partitions = $4::int, position = (select min(l.position) from locked l),
    epoch = c.epoch + 1, lease_owner = null, lease_until = null, handover_to = null, handover_until = null,
    failing_position = null, attempts = 0, backoff_until = null, updated_at = now()
  from locked where c.consumer_id = locked.consumer_id`,
)

const addStatement = defineStatement(
  'add_partitions',
  (schema) => `insert into ${schema}.consumers
    (kind, name, group_name, partition, partitions, version, position, status, max_in_flight, filter)
  select c.kind, c.name, c.group_name, p, c.partitions, c.version, c.position, c.status, c.max_in_flight, c.filter
  from ${schema}.consumers c cross join generate_series(1, $4::int - 1) p where ${ofGroup} and c.partition = 0
  on conflict on constraint consumers_key do nothing`,
)

/** What was put back, and comes again by itself from the least checkpoint on, would be handled twice. */
const forgetRequeuedStatement = defineStatement(
  'forget_requeued',
  (schema) => `delete from ${schema}.dead_letters l using ${schema}.consumers c
  where ${ofGroup} and l.consumer_id = c.consumer_id and l.requeued_at is not null and l.position > c.position`,
)

/** A stream waits for its dead letters in the partition that it belongs to from now on. */
const moveLettersStatement = defineStatement(
  'move_letters',
  (schema) => `update ${schema}.dead_letters l set consumer_id = target.consumer_id
  from ${schema}.consumers c, ${schema}.streams s, ${schema}.consumers target
  where ${ofGroup} and l.consumer_id = c.consumer_id and s.stream_id = l.stream_id
    and target.kind = c.kind and target.name = c.name and target.group_name = c.group_name
    and target.partition = ${partitionOf('s.stream_no', '$4::int')}`,
)

const dropStatement = defineStatement(
  'drop_partitions',
  (schema) => `delete from ${schema}.consumers c where ${ofGroup} and c.partition >= $4::int`,
)

/**
 * Divides the streams of a consumer anew; all partitions go on from the least of their checkpoints.
 *
 * @throws ConsumerNotFound
 */
export async function repartitionConsumer(scope: Scope, key: ConsumerKey, partitions: number): Promise<void> {
  const values = [key.kind, key.name, key.group, partitions]
  await scope.transaction(async (inside) => {
    const { schema } = await inside.target()
    const { rowCount } = await inside.query(lockStatement(schema, values))
    if (rowCount === 0) throw new ConsumerNotFoundError(describeConsumer(key))
    await inside.query(forgetRequeuedStatement(schema, values.slice(0, 3)))
    for (const make of [addStatement, moveLettersStatement, dropStatement]) await inside.query(make(schema, values))
  })
}
