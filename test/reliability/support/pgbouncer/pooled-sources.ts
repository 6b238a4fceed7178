/** One place in a file that is another one when the suite runs through a pooler. */
export interface PooledSource {
  /** From the root of the repository. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const ownSession = (pool: string, indent: string): string =>
  `await (await import('${indent}../../test/reliability/support/pgbouncer/past-pooler.js')).pastPooler(${pool})`

/** What stores must be told behind a pooler, what tests connect to, and sessions that tests need for themselves. */
export const pooledSources: readonly PooledSource[] = [
  {
    file: 'packages/core/src/connection/connection.ts',
    from: 'given.prepare ?? true',
    to: 'given.prepare ?? false',
  },
  {
    file: 'packages/events/src/install-events.ts',
    from: 'wakeUps: notify = true',
    to: 'wakeUps: notify = false',
  },
  {
    file: 'packages/testing/src/use-database.ts',
    from: 'return databaseUrl(server.url, name)',
    to: "return databaseUrl(inject('rillflowPooler').url, name)",
  },
  {
    file: 'packages/core/test/copy-in.pg.test.ts',
    from: 'create temporary table t',
    to: 'drop table if exists t; create table t',
  },
  {
    file: 'packages/core/test/copy-in.pg.test.ts',
    from: 'const gate = await database.pool.connect()',
    to: `const gate = ${ownSession('database.pool', '../')}`,
  },
  {
    file: 'packages/events/test/expected-version.pg.test.ts',
    from: 'const holder = await database.pool.connect()',
    to: `const holder = ${ownSession('database.pool', '../')}`,
  },
  {
    file: 'packages/events/test/transfer-races.pg.test.ts',
    from: 'const client = await database.pool.connect()',
    to: `const client = ${ownSession('database.pool', '../')}`,
  },
  {
    file: 'packages/events/test/transfer-races.pg.test.ts',
    from: '?options=-c%20deadlock_timeout%3D3s',
    to: '',
  },
  {
    file: 'packages/aggregates/test/support/snapshots/gate.ts',
    from: 'const holder = await pool.connect()',
    to: `const holder = ${ownSession('pool', '../../../')}`,
  },
]

/** Tests about what a session of the server keeps, which there is none of behind a pooler; by file. */
export const filesAboutSessions: readonly string[] = [
  // Plans of named statements, and their names.
  'packages/aggregates/test/round-trips.pg.test.ts',
  'packages/aggregates/test/snapshotter-plans.pg.test.ts',
  'packages/documents/test/find-plan.pg.test.ts',
  'packages/documents/test/query-plan.pg.test.ts',
  'packages/documents/test/round-trips.pg.test.ts',
  'packages/events/test/filters-plans.pg.test.ts',
  // Cuts the connections that have sent a named statement.
  'packages/documents/test/known-outcome.pg.test.ts',
  // The server that tests start, and programs that are made for it.
  'packages/testing/test/use-database.pg.test.ts',
  'packages/subscriptions/test/documentation.pg.test.ts',
  'packages/projections/test/workers-guide.pg.test.ts',
]

/** The same by the name of a test, where its neighbours have nothing to do with sessions. */
export const testsAboutSessions: readonly string[] = [
  // Named statements.
  'prepares its statements under a name',
  'each hot statement is prepared once',
  'one that is there takes one statement',
  'each is one named statement',
  'each look is one named statement',
  // Notifications.
  'the connection that listens',
  'an import wakes readers of this process, and of others',
  // Settings that a connection brings with it.
  "the role's own lock_timeout bounds",
  // The server's process of a connection, by its number or its name.
  'a connection that the server ends while it is idle',
  'close ends the pool also when a module cannot close',
  'it takes a connection of its own, under its own name',
  'a rebuild whose connections are ended ten times',
  "a COPY that takes longer than the driver's query_timeout is ended with its connection",
]
