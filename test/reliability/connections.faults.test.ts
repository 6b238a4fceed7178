import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRillflowError, type JsonObject } from '@rillflow/core'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkStored } from './support/check-stored.js'
import { Random } from './support/children/random.mjs'
import { FaultyProxy } from './support/faulty-proxy.js'
import type { Attempt, RecordedAppend } from './support/history.js'
import { chooseSeed, keepStored, withHistory } from './support/history-folder.js'
import { makeSchema, openStore, type ReliabilityStore } from './support/open-store.js'
import { readStored } from './support/read-stored.js'
import { countProblems } from './support/violation.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const cuts = long ? 2_000 : 200
const callers = 8
const streams = 20
/** No run needs nearly as many; it ends a run in which nothing is ever cut. */
const mostAttempts = cuts * 100
/** How often an append with a key is made again before its caller gives up. */
const patience = 200

const seed = chooseSeed()

let server: EmbeddedPostgres
let direct: pg.Pool

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { max_connections: 100 } })
  direct = new pg.Pool({ connectionString: server.url, max: 2 })
  direct.on('error', () => undefined)
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

interface Plan {
  readonly streamId: string
  readonly events: readonly { readonly id: string; readonly type: 'Placed'; readonly data: JsonObject }[]
  readonly key: string | undefined
  readonly transaction: boolean
}

function plan(random: Random, number: number): Plan {
  return {
    streamId: `stream-${random.between(0, streams - 1)}`,
    events: Array.from({ length: random.between(1, 4) }, (_, n) => ({
      id: randomUUID(),
      type: 'Placed' as const,
      // Some take several packets, so that cuts fall inside them too.
      data: { number, n, text: 'x'.repeat(random.chance(0.1) ? 4_000 : 20) },
    })),
    key: random.chance(0.5) ? `key-${number}` : undefined,
    transaction: random.chance(0.15),
  }
}

async function perform(store: ReliabilityStore, { streamId, events, key, transaction }: Plan): Promise<RecordedAppend> {
  const options = { idempotencyKey: key }
  const { eventIds, version, position } = transaction
    ? await store.transaction((tx) => tx.events.append(streamId, events, options))
    : await store.events.append(streamId, events, options)
  return { streamId, ids: eventIds, version, position }
}

/** Does what was planned once, or with a key until its outcome is known, and says what the caller was told. */
async function attempt(store: ReliabilityStore, planned: Plan): Promise<Attempt> {
  const appends = [{ streamId: planned.streamId, ids: planned.events.map(({ id }) => id) }]
  for (let turn = 0; turn < patience; turn += 1) {
    try {
      return { outcome: 'acknowledged', appends: [await perform(store, planned)] }
    } catch (error) {
      const lost = isRillflowError(error, 'ConnectionLost')
      if (!lost && !isRillflowError(error, 'CommitOutcomeUnknown')) throw error
      // "Connection lost" promises that nothing is stored; what is not known may be.
      if (planned.key === undefined) return { outcome: lost ? 'rolledBack' : 'unknown', appends, code: error.code }
    }
  }
  throw new Error(`the append with the key ${planned.key} had no outcome in ${patience} attempts`)
}

/** Ends a connection of the proxy's clients on the server, at random. */
async function terminateOne(): Promise<void> {
  await direct.query(
    `select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity where application_name = 'cut' order by random() limit 1) victim`,
  )
}

test(`R5: ${cuts} connections cut at random bytes and some ended by the server: 0 lost, 0 double, 0 wrong answers`, async () => {
  await makeSchema(server.url, 'cut')
  await using proxy = await FaultyProxy.start(server.url)
  const pool = new pg.Pool({ connectionString: proxy.url, max: callers, application_name: 'cut' })
  pool.on('error', () => undefined)
  // The pool is the test's own, and it takes its listener off a client that it hands out.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const store = openStore({ pool }, 'cut')
  const random = new Random(seed)
  // Some while it is made, most soon after; now and then one lives long enough for the largest batch.
  proxy.cutAfter(() => (random.chance(0.6) ? random.between(600, 8_000) : random.between(8_000, 100_000)))
  const attempts: Attempt[] = []
  let begun = 0
  const caller = async (): Promise<void> => {
    while (proxy.cuts < cuts && begun < mostAttempts) {
      begun += 1
      const planned = plan(random, begun)
      if (begun % 50 === 0) await terminateOne()
      attempts.push(await attempt(store, planned))
    }
  }
  await withHistory(`connections-${seed}`, async (folder) => {
    await Promise.all(Array.from({ length: callers }, caller))
    expect(proxy.cuts).toBeGreaterThanOrEqual(cuts)
    const stored = await readStored(direct, 'cut')
    await keepStored(folder, stored)
    await writeFile(join(folder, 'attempts.jsonl'), attempts.map((one) => `${JSON.stringify(one)}\n`).join(''))
    const told = (wanted: Attempt['outcome']): number => attempts.filter(({ outcome }) => outcome === wanted).length
    console.log(
      `R5: ${proxy.cuts} cuts; ${told('acknowledged')} appends acknowledged, ${told('rolledBack')} not stored, ` +
        `${told('unknown')} unknown`,
    )
    expect(countProblems(checkStored(attempts, stored))).toEqual({})
    const keys = await direct.query<{ n: number }>(
      'select count(*)::int as n from cut.idempotency_keys where version = 0',
    )
    expect(keys.rows, 'no key without its events').toEqual([{ n: 0 }])
  })

  proxy.cutAfter(() => Number.POSITIVE_INFINITY)
  proxy.cut()
  // Those that were cut just now may be handed out once more before the pool learns of it.
  for (let turn = 0; turn < callers; turn += 1) await store.events.head().catch(() => undefined)
  await Promise.all(
    Array.from({ length: callers }, (_, n) => store.events.append(`after-${n}`, [{ type: 'Closed', data: {} }])),
  )
  expect({ waiting: pool.waitingCount, lent: pool.totalCount - pool.idleCount }).toEqual({ waiting: 0, lent: 0 })
  await store.close()
  await pool.end()
}, 300_000)
