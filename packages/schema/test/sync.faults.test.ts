import { expect, test } from 'vitest'
import { plan, status, sync } from '../src/index.js'
import { notes, tags, withMigrations } from './support/components.js'
import type { SyncChild } from './support/sync-child.js'
import { testStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'
import { waitForWaiters } from './support/wait-for-lock.js'

const barrier = 4711
const server = useServer()

async function recorded(): Promise<readonly unknown[]> {
  const { rows } = await server.pool.query<{ row: string }>(
    `select module || ' ' || number as row from app.migrations order by module, number`,
  )
  return rows.map((row) => row.row)
}

test('20 processes sync an empty database at once: one schema, no error, each step once', async () => {
  const starters = await server.startChildren(20, [notes, tags])
  for (const starter of starters) starter.go()
  const outcomes = await Promise.all(starters.map((starter) => starter.outcome()))
  expect(outcomes.filter((outcome) => outcome.error !== undefined)).toEqual([])
  expect(outcomes.flatMap((outcome) => outcome.applied ?? []).toSorted()).toEqual([
    'createMigrationTable',
    'createSchema',
    'first note',
    'notes',
    'notes_body',
    'tags',
  ])
  expect(await recorded()).toEqual(['notes 1', 'notes 2', 'tags 1'])
  const { rows } = await server.pool.query('select id from app.notes')
  expect(rows).toEqual([{ id: 'first' }])
})

test('a migrator killed in the middle of a migration: the others go on, and the result is whole', async () => {
  const stopping = withMigrations(
    tags,
    'create table :"schema".tags (tag text primary key)',
    `create table :"schema".half (a int); select pg_advisory_xact_lock(${barrier}); create table :"schema".rest (a int)`,
    'create table :"schema".last (a int)',
  )
  const holder = await server.connect()
  await holder.query(`select pg_advisory_lock(${barrier})`)
  const [victim] = (await server.startChildren(1, [stopping])) as [SyncChild]
  victim.go()
  await waitForWaiters(server.pool, 'advisory', 1)
  const others = await server.startChildren(4, [stopping])
  for (const other of others) other.go()
  await waitForWaiters(server.pool, 'advisory', 5)
  await victim.kill()
  expect(await recorded(), 'the victim was in its second migration').toEqual(['tags 1'])
  await holder.query(`select pg_advisory_unlock(${barrier})`)

  const outcomes = await Promise.all(others.map((other) => other.outcome()))
  expect(outcomes.filter((outcome) => outcome.error !== undefined)).toEqual([])
  expect(outcomes.flatMap((outcome) => outcome.applied ?? []).toSorted()).toEqual(['step 2', 'step 3'])
  expect(await recorded()).toEqual(['tags 1', 'tags 2', 'tags 3'])
})

test('the others see what was applied while they waited, whatever isolation the role defaults to', async () => {
  const url = new URL(server.url)
  url.searchParams.set('options', '-c default_transaction_isolation=serializable')
  const store = testStore({ connection: url.href, schema: 'app', components: [notes, tags] })
  const { sql } = await plan(store)
  const first = await server.connect()
  // The script of the plan without its last line: it holds the lock, and has not committed.
  await first.query(sql.replace(/commit;\s*$/, ''))
  const second = sync(store)
  await waitForWaiters(server.pool, 'advisory', 1)
  await first.query('commit')
  expect(await second).toMatchObject({ applied: [] })
  expect(await status(store)).toMatchObject({ upToDate: true })
})
