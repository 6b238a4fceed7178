import type pg from 'pg'

/** What is left in one of the server's sessions that PgBouncer lends to anybody. */
interface Leftovers {
  readonly pid: number
  readonly prepared: readonly string[]
  readonly listening: readonly string[]
  readonly settings: readonly string[]
  readonly locks: number
  readonly cursors: number
  readonly temporary: boolean
}

/** What PgBouncer sets by itself for each client that it lends a session to. */
const ofPgBouncer = ['application_name', 'client_encoding', 'DateStyle', 'standard_conforming_strings', 'TimeZone']
/** Belongs to a transaction: each begins with the default, whatever the one before it had. */
const ofTransaction = ['transaction_isolation', 'transaction_read_only', 'transaction_deferrable']

/** Asked in a transaction that is begun for it; its own cursor and locks are not there yet, or not advisory. */
const look = {
  text: `select pg_backend_pid() as pid,
    array(select statement from pg_prepared_statements) as prepared,
    array(select pg_listening_channels()) as listening,
    array(select name || ' = ' || setting from pg_settings where source = 'session' and name <> all ($1::text[])) as settings,
    (select count(*)::int from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks,
    (select count(*)::int from pg_cursors where name <> '') as cursors,
    pg_my_temp_schema() <> 0 as temporary`,
  values: [[...ofPgBouncer, ...ofTransaction]],
}

/**
 * Looks into `count` sessions of the server at once, each held by a transaction of the pool meanwhile, so that no session
 * is looked at twice. Gives the processes that were seen, and those in which anything was left.
 */
export async function sessionLeftovers(
  pooled: pg.Pool,
  count: number,
): Promise<{ readonly pids: readonly number[]; readonly dirty: readonly Leftovers[] }> {
  const clients = await Promise.all(Array.from({ length: count }, () => pooled.connect()))
  try {
    await Promise.all(clients.map((client) => client.query('begin')))
    const seen = await Promise.all(clients.map(async (client) => (await client.query<Leftovers>(look)).rows[0]))
    const found = seen.filter((each) => each !== undefined)
    return { pids: found.map(({ pid }) => pid), dirty: found.filter(isDirty) }
  } finally {
    await Promise.all(clients.map((client) => client.query('rollback')))
    for (const client of clients) client.release()
  }
}

function isDirty({ prepared, listening, settings, locks, cursors, temporary }: Leftovers): boolean {
  return [...prepared, ...listening, ...settings].length > 0 || locks > 0 || cursors > 0 || temporary
}
