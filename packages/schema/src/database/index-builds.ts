import { ident, type Statement } from '@rillflow/core'
import type { Reader } from './reader.js'

/** How long a claim holds: from its commit until the build has its lock on the table, with room for a slow process. */
const claimSeconds = 10

/** Whom a starter waits for. */
export interface Builder {
  readonly index: string
  /** The server's process, once the build has begun. */
  readonly pid: number | undefined
}

/**
 * Who builds or drops an index of the schema concurrently, whoever started it.
 *
 * A build has no transaction that could hold an advisory lock, and behind a pooler no session either. So it is seen by
 * what it holds itself: its lock on the table, which lasts from begin to end and goes when the backend goes, while its
 * index is not valid. The claim covers the moment before that lock. A lock of that mode that somebody waits for counts
 * as well: two builds that meet at a table deadlock, and the one that is almost done is the one that is broken.
 */
export async function findBuilder(reader: Reader, schema: string): Promise<Builder | undefined> {
  const { rows } = await reader.query<readonly [string, number | null]>({
    operation: 'looking for a build of an index',
    text: `/* rillflow:index-builder */
select b.name as index_name, null::integer as pid from ${ident(schema)}.index_builds b
where b.claimed_until > clock_timestamp()
union all
select coalesce(i.relname, t.relname)::text, l.pid
from pg_catalog.pg_namespace n
join pg_catalog.pg_class t on t.relnamespace = n.oid
join pg_catalog.pg_locks l on l.locktype = 'relation' and l.relation = t.oid and l.mode = 'ShareUpdateExclusiveLock'
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
left join pg_catalog.pg_index x on x.indrelid = t.oid and not x.indisvalid
left join pg_catalog.pg_class i on i.oid = x.indexrelid
where n.nspname::text = $1::text and t.relkind in ('r', 'm') and (not l.granted or i.oid is not null)
limit 1`,
    values: [schema],
  })
  const [row] = rows
  return row === undefined ? undefined : { index: row[0], pid: row[1] ?? undefined }
}

/** Tells the others, for the moment until the build has its lock; old claims go on the way. */
export function claimBuild(schema: string, index: string, builder: string): Statement {
  return {
    operation: 'claiming the build of an index',
    text: `/* rillflow:claim-build */
with gone as (delete from ${ident(schema)}.index_builds where claimed_until <= clock_timestamp() and name <> $1::text)
insert into ${ident(schema)}.index_builds as b (name, builder, claimed_until)
values ($1::text, $2::text, clock_timestamp() + interval '${claimSeconds} seconds')
on conflict (name) do update set builder = excluded.builder, claimed_until = excluded.claimed_until`,
    values: [index, builder],
  }
}

/** Lets the next one begin at once. */
export function releaseBuild(schema: string, builder: string): Statement {
  return {
    operation: 'releasing the build of an index',
    text: `/* rillflow:release-build */
delete from ${ident(schema)}.index_builds where builder = $1::text`,
    values: [builder],
  }
}

/** Waits for the lock that a concurrent build takes, so that `lock_timeout` of this transaction bounds that wait. */
export function probeTable(schema: string, table: string): string {
  return `lock table ${ident(schema)}.${ident(table)} in share update exclusive mode`
}
