import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { lastPosition } from '../last-position.js'

/** A transaction that has appended, or is about to, and holds the safe head until it ends. */
export interface Blocker {
  /** The server's process; undefined for a prepared transaction, which no process runs. */
  readonly pid: number | undefined
  /** The name of a prepared transaction, for COMMIT PREPARED or ROLLBACK PREPARED. */
  readonly preparedTransaction: string | undefined
  readonly application: string | undefined
  readonly user: string | undefined
  /** As `pg_stat_activity` has it: `active`, `idle in transaction` … */
  readonly state: string | undefined
  /** When the transaction began. */
  readonly since: Date
  /** When its present or last statement began; undefined for a prepared transaction. */
  readonly queryStartedAt: Date | undefined
  /** How long the transaction has been open, in milliseconds, by the server's clock. */
  readonly age: number
  /** The head cannot rise beyond this position before it ends. */
  readonly floor: number
}

/**
 * The statement's text is left out on purpose: one that is not bound holds payloads. A prepared transaction is found by
 * the lock on its own id: its virtual id is that of the process that prepared it, until the server restarts.
 */
const blockersStatement = defineStatement(
  'blockers',
  (schema) => `with seq as materialized (
    select s.tableoid::bigint as id, ${lastPosition} as last from ${schema}.events_position_seq s)
  select b.pid::text as pid, b.gid, b.application_name, b.usename, b.state,
    (extract(epoch from b.since) * 1000)::bigint::text as since,
    (extract(epoch from b.query_start) * 1000)::bigint::text as query_start,
    (extract(epoch from clock_timestamp() - b.since) * 1000)::bigint::text as age, b.floor::text as floor
  from (
    select l.pid, p.gid, a.application_name, coalesce(a.usename, p.owner) as usename, a.state,
      coalesce(a.xact_start, p.prepared, clock_timestamp()) as since, a.query_start,
      seq.last + (((((l.classid::bigint & 255) << 32) | l.objid::bigint) - seq.last + 549755813888) & 1099511627775) - 549755813888 as floor
    from seq join pg_catalog.pg_locks l on l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ShareLock' and l.granted
        and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
        and l.classid::bigint >> 8 = seq.id & 16777215
      left join pg_catalog.pg_stat_activity a on a.pid = l.pid
      left join pg_catalog.pg_locks x on l.pid is null and x.pid is null and x.locktype = 'transactionid'
        and x.virtualtransaction = l.virtualtransaction
      left join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
  ) b order by b.floor, b.since`,
)

type BlockerRow = readonly [
  pid: string | null,
  gid: string | null,
  application: string | null,
  user: string | null,
  state: string | null,
  since: string,
  queryStart: string | null,
  age: string,
  floor: string,
]

/** Who holds the safe head, the one that holds it lowest first; none when nobody appends. */
export async function blockers(scope: Scope): Promise<readonly Blocker[]> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<BlockerRow>(blockersStatement(schema, []))
  return rows.map(([pid, gid, application, user, state, since, queryStart, age, floor]) => ({
    pid: pid === null ? undefined : Number(pid),
    preparedTransaction: gid ?? undefined,
    application: application === null || application === '' ? undefined : application,
    user: user ?? undefined,
    state: state ?? undefined,
    since: new Date(Number(since)),
    queryStartedAt: queryStart === null ? undefined : new Date(Number(queryStart)),
    age: Number(age),
    floor: safeInteger(floor, 'position'),
  }))
}
