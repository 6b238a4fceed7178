import { defineStatement, encodeJson, type Logger, type Scope } from '@rillflow/core'
import type { AnyAggregate } from '../definition/any-aggregate.js'

/** A state to be kept. */
export interface SnapshotRow {
  readonly aggregate: string
  readonly id: string
  readonly schemaVersion: number
  readonly version: number
  /** As JSON. */
  readonly state: string
}

/** How snapshots are stored. */
export interface WriteOptions {
  /** Whether this transaction has appended to the streams, and so knows that no snapshot of theirs is newer. */
  readonly appended: boolean
  /** The last events of snapshots that are to be written over: of streams that were lost, as by a restore. */
  readonly lost?: readonly string[] | undefined
}

/**
 * Forward only: neither an older version of the stream nor one of the state's shape takes the place of a newer one. In the
 * order of stream ids, so that two that write the same ones do not deadlock.
 */
const upsert = defineStatement(
  'write_snapshots',
  (schema) => `insert into ${schema}.snapshots as s (aggregate, stream_id, schema_version, version, event_id, state)
  select r.x ->> 0, t.stream_id, (r.x ->> 2)::int, e.version, e.event_id, r.x -> 4
    from jsonb_array_elements($1::jsonb) as r (x)
      join ${schema}.streams t on t.stream_id = r.x ->> 1
      join ${schema}.events e on e.stream_no = t.stream_no and e.version = (r.x ->> 3)::bigint
    order by r.x ->> 0, t.stream_id
  on conflict (aggregate, stream_id) do update
    set schema_version = excluded.schema_version, version = excluded.version, event_id = excluded.event_id,
      state = excluded.state, created_at = now()
    where (excluded.schema_version, excluded.version) > (s.schema_version, s.version)
      or ($2::boolean and excluded.schema_version = s.schema_version) or s.event_id = any ($3::uuid[])`,
)

/** Stores snapshots, in one statement. */
export async function writeSnapshots(
  scope: Pick<Scope, 'query'>,
  schema: string,
  snapshots: readonly SnapshotRow[],
  { appended, lost = [] }: WriteOptions,
): Promise<void> {
  const rows = snapshots.map(({ aggregate, id, schemaVersion, version, state }) => {
    const values = [aggregate, id, schemaVersion, version].map((value) => JSON.stringify(value))
    return `[${[...values, state].join(',')}]`
  })
  await scope.query(upsert(schema, [`[${rows.join(',')}]`, appended, `{${lost.join(',')}}`]))
}

/** What a commit led from and to. */
export interface Step {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly state: unknown
}

/**
 * The snapshot that is due after a commit: its version crossed a multiple of the policy's. Undefined for a state that
 * cannot be stored, which is logged: a commit must not fail for the sake of a copy.
 */
export function dueSnapshot(aggregate: AnyAggregate, step: Step, logger: Logger): SnapshotRow | undefined {
  const { snapshot } = aggregate
  if (snapshot === undefined) return undefined
  const isDue = Math.floor(step.to / snapshot.every) > Math.floor(step.from / snapshot.every)
  if (!isDue) return undefined
  try {
    return toSnapshot(aggregate, step)
  } catch (error) {
    logger.error({ err: error, aggregate: aggregate.name, id: step.id, version: step.to }, 'a snapshot cannot be taken')
    return undefined
  }
}

/** @throws UnstorableValue for a state that JSON cannot hold. */
export function toSnapshot(aggregate: AnyAggregate, { id, to, state }: Pick<Step, 'id' | 'to' | 'state'>): SnapshotRow {
  const schemaVersion = aggregate.snapshot?.version ?? 1
  return { aggregate: aggregate.name, id, schemaVersion, version: to, state: encodeJson(state) }
}
