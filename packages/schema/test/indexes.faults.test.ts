import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { plan, sync, verify } from '../src/index.js'
import { terminate, waitForActivity } from './support/activity.js'
import { indexesOf, invalidIndexes } from './support/catalog.js'
import { gate, gated, liveItems, withIndex } from './support/live-items.js'
import type { ChildOutcome, SyncChild } from './support/sync-child.js'
import { testStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const server = useServer()
const items = liveItems(100)
const inBuild = `a.state = 'active' and a.query ilike 'create index concurrently%'`
/** The build stands before its first look at the rows, because a transaction that wrote is open. */
const standing = `${inBuild} and a.wait_event_type = 'Lock'`

function appStore(components = [withIndex(items)], url = server.url) {
  return testStore({ connection: url, schema: 'app', components })
}

/** A transaction that has written and goes on: no index is built before it ends. */
async function openWriter(): Promise<pg.Client> {
  const writer = await server.connect()
  await writer.query(`begin; insert into app.items (body) values ('open')`)
  return writer
}

async function outcomesOf(children: readonly SyncChild[]): Promise<readonly ChildOutcome[]> {
  return Promise.all(children.map(async (child) => child.outcome()))
}

/** Returns once that many starters have looked whether somebody builds since `since`, and do nothing now. */
async function waitForLookers(count: number, since: unknown): Promise<void> {
  await waitForActivity(
    server.pool,
    `a.application_name ~ '^starter' and a.state = 'idle' and a.query like '%rillflow:index-builder%'
     and a.query_start > '${String(since)}'`,
    count,
  )
}

async function now(): Promise<unknown> {
  const { rows } = await server.pool.query<{ at: string }>('select clock_timestamp()::text as at')
  return rows[0]?.at
}

test('known to be bad: two builds that meet at a table deadlock, and the one that is almost done is broken', async () => {
  await sync(appStore([items]))
  const create = 'create index concurrently if not exists items_by_body on app.items (body)'
  const writer = await openWriter()
  const [first, second] = [await server.connect(), await server.connect()]
  // Who looks for a deadlock last is broken: as a rule the builder, since the other has waited for long.
  await first.query(`set deadlock_timeout = '10ms'`)
  await second.query(`set deadlock_timeout = '1h'`)
  const builds = [first.query(create)]
  await waitForActivity(server.pool, standing)
  builds.push(second.query(create))
  await waitForActivity(server.pool, standing, 2)
  await writer.query('commit')
  const ends = await Promise.allSettled(builds)
  expect(ends).toMatchObject([{ status: 'rejected', reason: { code: '40P01' } }, { status: 'fulfilled' }])
  expect(await invalidIndexes(server.pool), 'and the other took what is left for the index').toHaveLength(1)
})

test('several starters of one index: one builds, the others wait, long after its claim has run out', async () => {
  await sync(appStore([items]))
  const logged = (await server.log()).length
  const writer = await openWriter()
  const starters = await server.startChildren(4, [withIndex(items)])
  for (const starter of starters) starter.go()
  await waitForActivity(server.pool, standing)
  await waitForLookers(3, await now())
  // From here on the lock of the build itself is all that tells of it.
  await server.pool.query(`update app.index_builds set claimed_until = 'epoch'`)
  await waitForLookers(3, await now())
  await waitForActivity(server.pool, standing)
  await writer.query('commit')
  const outcomes = await outcomesOf(starters)
  expect(outcomes.map((outcome) => outcome.error)).toEqual(Array(4).fill(undefined))
  expect(outcomes.flatMap((outcome) => outcome.applied ?? [])).toEqual(['items_by_body'])
  expect((await server.log()).slice(logged)).not.toContain('deadlock detected')
  expect(await verify(appStore())).toMatchObject({ upToDate: true, differences: [] })
})

test('a claim is respected before its build begins, and waitTimeout bounds the wait', async () => {
  await sync(appStore([items]))
  const far = `insert into app.index_builds values ('items_by_body', 'somebody', 'infinity')`
  await server.pool.query(far)
  await expect(sync(appStore(), { waitTimeout: 50 })).rejects.toMatchObject({
    code: 'LockTimeout',
    retryable: true,
    message: expect.stringContaining('"items_by_body"') as string,
  })
  const later = { module: 'later', migrations: [{ number: 1, name: 'later', sql: 'create table :"schema".later ()' }] }
  await expect(sync(appStore([items, later]), { waitTimeout: 50 })).rejects.toMatchObject({ code: 'LockTimeout' })
  const [starter] = (await server.startChildren(1, [withIndex(items)])) as [SyncChild]
  starter.go()
  await waitForLookers(1, await now())
  await server.pool.query('delete from app.index_builds')
  expect(await starter.outcome()).toEqual({ applied: ['items_by_body'] })
})

test('a build that still waits for its table is respected, whoever began it', async () => {
  await sync(appStore([items]))
  const holder = await server.connect()
  await holder.query('begin; lock table app.items in share update exclusive mode')
  const other = await server.connect()
  const built = other.query('create index concurrently items_by_body on app.items (body)')
  await waitForActivity(server.pool, standing)
  const [starter] = (await server.startChildren(1, [withIndex(items)])) as [SyncChild]
  starter.go()
  await waitForLookers(1, await now())
  await holder.query('rollback')
  await built
  expect(await starter.outcome()).toEqual({ applied: ['items_by_body'] })
  expect(await verify(appStore())).toMatchObject({ upToDate: true })
})

test('lockTimeout bounds the wait for the table, and nothing is left of the attempt', async () => {
  await sync(appStore([items]))
  const holder = await server.connect()
  await holder.query('begin; lock table app.items in share update exclusive mode')
  await expect(sync(appStore(), { lockTimeout: 20 })).rejects.toMatchObject({ code: 'LockTimeout', retryable: true })
  expect((await indexesOf(server.pool, 'items')).map((index) => index.name)).toEqual(['items_pkey'])
  await holder.query('rollback')
  expect((await sync(appStore(), { lockTimeout: 1_000 })).applied).toHaveLength(1)
})

test('the process of the builder is killed: the server goes on, and the next sync takes what it made', async () => {
  await sync(appStore([items]))
  const writer = await openWriter()
  const [victim, next] = (await server.startChildren(2, [withIndex(items)])) as [SyncChild, SyncChild]
  victim.go()
  await waitForActivity(server.pool, standing)
  await victim.kill()
  await server.pool.query(`update app.index_builds set claimed_until = 'epoch'`)
  next.go()
  await waitForLookers(1, await now())
  await writer.query('commit')
  expect(await next.outcome()).toEqual({ applied: ['items_by_body'] })
  expect((await indexesOf(server.pool, 'items'))[0]).toMatchObject({ valid: true })
  expect(await verify(appStore())).toMatchObject({ upToDate: true })
})

test('the builder is killed with its connection: what is left is dropped, and built again', async () => {
  await sync(appStore([items]))
  const writer = await openWriter()
  const [victim, next] = (await server.startChildren(2, [withIndex(items)])) as [SyncChild, SyncChild]
  victim.go()
  const [{ pid }] = await waitForActivity(server.pool, standing)
  await victim.kill()
  await terminate(server.pool, pid)
  const [left] = await indexesOf(server.pool, 'items')
  expect(left).toMatchObject({ name: 'items_by_body', valid: false })
  await writer.query('commit')
  await server.pool.query(`update app.index_builds set claimed_until = 'epoch'`)
  next.go()
  expect(await next.outcome()).toEqual({ applied: ['items_by_body', 'items_by_body'] })
  const [built] = await indexesOf(server.pool, 'items')
  expect(built).toMatchObject({ name: 'items_by_body', valid: true })
  expect(built?.oid).not.toBe(left?.oid)
})

test('a build that loses its connection is a typed error, and leaves no connection that is broken', async () => {
  await sync(appStore([items]))
  const writer = await openWriter()
  const store = appStore()
  const building = sync(store)
  building.catch(() => undefined)
  const [{ pid }] = await waitForActivity(server.pool, standing)
  const ended = terminate(server.pool, pid)
  await ended
  await writer.query('commit')
  await expect(building).rejects.toMatchObject({ code: 'ConnectionLost' })
  await sync(store)
  expect(await verify(store)).toMatchObject({ upToDate: true })
})

test('a build that a deadlock breaks is begun again', async () => {
  await sync(appStore([items]))
  const url = new URL(server.url)
  url.searchParams.set('options', '-c deadlock_timeout=10ms')
  const writer = await openWriter()
  const syncing = sync(appStore([withIndex(items)], url.href))
  await waitForActivity(server.pool, standing)
  // Holds a snapshot, and waits for the table that the build has.
  const rival = await server.connect()
  await rival.query(`set deadlock_timeout = '1h'`)
  const waiting = rival.query('create index concurrently rival on app.items (id, body)')
  await waitForActivity(server.pool, standing, 2)
  await writer.query('commit')
  const [ours, other] = await Promise.allSettled([syncing, waiting])
  expect(ours).toMatchObject({
    status: 'fulfilled',
    value: { applied: [{ kind: 'dropIndex' }, { kind: 'createIndex' }] },
  })
  expect(other).toMatchObject({ status: 'fulfilled' })
  expect(await invalidIndexes(server.pool)).toEqual([])
})

test('eight starters that fail on the rows: each is told, and no invalid index is left', async () => {
  await sync(appStore([items]))
  await server.pool.query(`insert into app.items (body) values ('twice'), ('twice')`)
  const starters = await server.startChildren(8, [withIndex(items, true)])
  for (const starter of starters) starter.go()
  const outcomes = await outcomesOf(starters)
  for (const { error } of outcomes) expect(error).toMatch(/^IndexFailed: .*SQLSTATE 23505/)
  expect(await invalidIndexes(server.pool)).toEqual([])
  expect((await indexesOf(server.pool, 'items')).map((index) => index.name)).toEqual(['items_pkey'])
})

test('writers go on while the index is built on the table that they write to', async () => {
  const rows = process.env['RILLFLOW_LONG'] === '1' ? 1_000_000 : 50_000
  const live = liveItems(rows)
  await sync(appStore([live]))
  const holder = await server.connect()
  await holder.query(`select pg_advisory_lock(${gate})`)
  const writing = { go: true, done: 0 }
  const writers = [write(await server.connect(), writing), write(await server.connect(), writing)]
  const building = sync(appStore([gated(live)]))
  await waitForActivity(server.pool, `a.query ilike 'create index concurrently%' and a.wait_event = 'advisory'`)
  // The build stands in the middle of the table.
  const before = writing.done
  await waitUntil(() => writing.done >= before + 200)
  await holder.query(`select pg_advisory_unlock(${gate})`)
  expect((await building).applied).toMatchObject([{ kind: 'createIndex', concurrently: true }])
  writing.go = false
  await Promise.all(writers)
  expect(await verify(appStore([gated(live)]))).toMatchObject({ upToDate: true })
  const client = await server.connect()
  await client.query('set enable_seqscan = off; set enable_bitmapscan = off')
  const { rows: counted } = await client.query<{ indexed: string }>(
    `select count(*) as indexed from (select app.slowly(body) from app.items order by app.slowly(body)) s`,
  )
  expect(Number(counted[0]?.indexed)).toBe(rows + writing.done)
}, 600_000)

/** Inserts one row after the other until it is told to stop. */
async function write(client: pg.Client, writing: { go: boolean; done: number }): Promise<void> {
  while (writing.go) {
    await client.query(`insert into app.items (body) values ('live')`)
    writing.done += 1
  }
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    if (condition()) return
    await sleep(20)
  }
  throw new Error('it did not come to that')
}

/** What stands still, each time for the process that comes to it first; the last ones of these leave an invalid index. */
const gates: readonly (readonly [moment: 'start' | 'end', statement: string])[] = [
  ['start', 'create schema'],
  ['start', 'create table "app".migrations'],
  ['start', 'create table "app".items'],
  ['start', 'create function "app".slowly'],
  ['start', 'create index concurrently'],
  ['end', 'create index concurrently'],
  ['start', 'drop index concurrently'],
  ['end', 'drop index concurrently'],
  ['start', 'comment on index'],
]

/** A starter that waits at a gate. */
const stopping = `a.application_name ~ '^starter' and a.wait_event = 'advisory'
  and exists (select from pg_locks l where l.pid = a.pid and not l.granted and l.objid = 4713)`

/** Opens, for all that come later, the gate at which that statement waits. */
async function openGate(query: string): Promise<string> {
  const { rows } = await server.pool.query<{ gate: string }>(
    `delete from public.gates g
     where g.ctid = (select min(h.ctid) from public.gates h where position(h.statement in lower($1)) > 0)
     returning g.moment || ' ' || g.statement as gate`,
    [query],
  )
  return rows[0]?.gate ?? query
}

test('eight migrators at once, each step killed once and a new one for each that is gone: they converge', async () => {
  await server.pool.query(standStill)
  await server.pool.query(`insert into public.gates select * from unnest($1::text[], $2::text[])`, [
    gates.map(([moment]) => moment),
    gates.map(([, statement]) => statement),
  ])
  try {
    const holder = await server.connect()
    await holder.query('select pg_advisory_lock(4713)')
    const alive = new Set(await server.startChildren(8, [gated(items)]))
    for (const starter of alive) starter.go()
    const killed: string[] = []
    for (const [place] of gates.entries()) {
      const [stopped] = await waitForActivity(server.pool, stopping)
      killed.push(await openGate(stopped.query))
      const victim = server.child(stopped.program)
      await victim.kill()
      alive.delete(victim)
      await terminate(server.pool, stopped.pid)
      // As if the time of the claim had gone by.
      if (place > 3) await server.pool.query(`update app.index_builds set claimed_until = 'epoch'`)
      const [late] = (await server.startChildren(1, [gated(items)])) as [SyncChild]
      alive.add(late)
      late.go()
    }
    expect(killed).toEqual(gates.map(([moment, statement]) => `${moment} ${statement}`))
    const outcomes = await outcomesOf([...alive])
    expect(outcomes.map((outcome) => outcome.error)).toEqual(Array(8).fill(undefined))
    expect(await invalidIndexes(server.pool)).toEqual([])
    expect(await verify(appStore([gated(items)]))).toMatchObject({ upToDate: true, differences: [] })
    expect((await plan(appStore([gated(items)]))).steps).toEqual([])
  } finally {
    await server.pool.query(
      'drop event trigger stand_still_at_start; drop event trigger stand_still_at_end; drop table public.gates',
    )
  }
})

/** Each DDL statement that has a gate waits, before it or after it, while the test holds the lock. */
const standStill = `create table public.gates (moment text, statement text);
create function public.stand_still() returns event_trigger language plpgsql as $$
begin
  if exists (select from public.gates g where tg_event = 'ddl_command_' || g.moment
      and position(g.statement in lower(current_query())) > 0) then
    perform pg_advisory_xact_lock_shared(4713);
  end if;
end
$$;
create event trigger stand_still_at_start on ddl_command_start execute function public.stand_still();
create event trigger stand_still_at_end on ddl_command_end execute function public.stand_still();`
