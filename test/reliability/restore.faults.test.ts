import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkFeed } from './support/check-feed.js'
import { wrongFeed } from './support/children/wrong-feeds.mjs'
import { copySchema } from './support/copy-schema.js'
import type { RecordedEvent } from './support/history.js'
import { makeSchema, openStore, type ReliabilityStore } from './support/open-store.js'
import { readStored } from './support/read-stored.js'
import { countProblems } from './support/violation.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const appends = long ? 5_000 : 300

/** The cluster that the rows come from, and a younger one: its transaction ids have hardly begun. */
let servers: readonly [old: EmbeddedPostgres, young: EmbeddedPostgres]
let old: pg.Pool
let young: pg.Pool
let made = 0
let schema: string

beforeAll(async () => {
  servers = await Promise.all([startPostgres({ from: 'embedded' }), startPostgres({ from: 'embedded' })])
  ;[old, young] = servers.map((server) => {
    const pool = new pg.Pool({ connectionString: server.url, max: 8 })
    pool.on('error', () => undefined)
    return pool
  }) as [pg.Pool, pg.Pool]
})

afterAll(async () => {
  await Promise.all([old.end(), young.end()])
  await Promise.all(servers.map((server) => server.stop()))
})

beforeEach(async () => {
  made += 1
  schema = `restored_${made}`
  await Promise.all(servers.map((server) => makeSchema(server.url, schema)))
})

function open(pool: pg.Pool): ReliabilityStore {
  return openStore({ pool: { connect: () => pool.connect() } }, schema)
}

/** Writes events of several streams, with gaps where transactions rolled back. */
async function fill(store: ReliabilityStore): Promise<void> {
  for (let turn = 0; turn < appends; turn += 1) {
    const count = 1 + (turn % 3)
    const events = Array.from({ length: count }, (_, n) => ({ type: 'Placed' as const, data: { turn, n } }))
    const options = turn % 10 === 0 ? { idempotencyKey: `key-${turn}` } : {}
    await store.events.append(`stream-${turn % 20}`, events, options)
    if (turn % 9 !== 0) continue
    const rolledBack = store.transaction(async (tx) => {
      await tx.events.append('never', events)
      throw new Error('never')
    })
    await rolledBack.catch(() => undefined)
  }
}

/** Follows the feed from a checkpoint to its head. */
async function follow(store: ReliabilityStore, from: number, most = Number.MAX_SAFE_INTEGER): Promise<RecordedEvent[]> {
  const seen: RecordedEvent[] = []
  for await (const event of store.events.readAll({ after: from, pageSize: 37 })) {
    const { position, streamId, version, id, type } = event
    seen.push({ position, streamId, version, id, type })
    if (seen.length >= most) break
  }
  return seen
}

describe('R3: a dump that is restored into a younger cluster', () => {
  test('readers go on where they were: all delivered once, without a manual step', async () => {
    await fill(open(old))
    const before = await follow(open(old), 0, appends)
    expect(before).toHaveLength(appends)
    const checkpoint = before.at(-1)?.position ?? 0
    await copySchema(old, young, { schema, withSequences: true })

    const restored = open(young)
    const rest = await follow(restored, checkpoint)
    expect(rest.length).toBeGreaterThan(0)
    const last = await restored.events.append('stream-0', [{ type: 'Closed', data: {} }])
    const after = await follow(restored, rest.at(-1)?.position ?? 0)
    expect(after).toMatchObject([{ streamId: 'stream-0', version: last.version, position: last.position }])

    const stored = await readStored(young, schema)
    expect(countProblems(checkFeed(stored.events, [...before, ...rest, ...after]))).toEqual({})
    expect(await restored.events.verify()).toEqual([])
  })

  test('streams, versions and keys go on too', async () => {
    const source = open(old)
    await fill(source)
    const events = [{ type: 'Changed' as const, data: { a: 1 } }]
    const first = await source.events.append('keyed', events, { idempotencyKey: 'once' })
    await copySchema(old, young, { schema, withSequences: true })
    const restored = open(young)
    expect(await restored.events.append('keyed', events, { idempotencyKey: 'once' })).toEqual(first)
    expect(await restored.events.append('keyed', events, { expected: 1 })).toMatchObject({ version: 2 })
    expect(await restored.events.append('brand-new', events, { expected: 'noStream' })).toMatchObject({ version: 1 })
    expect((await restored.events.readStream('stream-7').toArray()).map((event) => event.data)).toEqual(
      (await source.events.readStream('stream-7').toArray()).map((event) => event.data),
    )
  })

  test('a reader by transaction ids loses what was there and what comes', async () => {
    for (const pool of [old, young])
      await pool.query(`alter table ${schema}.events add column xid xid8 not null default pg_current_xact_id()`)
    await fill(open(old))
    await copySchema(old, young, { schema, withSequences: true })
    const query = async (text: string, values: unknown[]): Promise<readonly unknown[]> =>
      (await young.query(text, values)).rows as readonly unknown[]
    await open(young).events.append('stream-0', [{ type: 'Closed', data: {} }])
    const seen = await wrongFeed(query, schema, 'transactionId').next(1_000_000)
    const stored = await readStored(young, schema)
    expect(countProblems(checkFeed(stored.events, seen))).toMatchObject({ 'I4 lost': expect.any(Number) })
  })
})

describe('R3: a restore that forgot the sequence', () => {
  const operations: readonly (readonly [name: string, run: (store: ReliabilityStore) => Promise<unknown>])[] = [
    ['head', (store) => store.events.head()],
    ['readAll', (store) => store.events.readAll().toArray()],
    ['an iteration', (store) => follow(store, 0)],
    ['waitForHead', (store) => store.events.waitForHead(0)],
    ['append', (store) => store.events.append('stream-0', [{ type: 'Closed', data: {} }])],
    [
      'a batch',
      (store) => Promise.all(['a', 'b'].map((id) => store.events.append(id, [{ type: 'Closed', data: {} }]))),
    ],
    [
      'a transaction',
      (store) => store.transaction((tx) => tx.events.append('stream-0', [{ type: 'Closed', data: {} }])),
    ],
    [
      'a session',
      (store) => {
        const session = store.session()
        session.events.append('stream-0', [{ type: 'Closed', data: {} }])
        return session.saveChanges()
      },
    ],
  ]

  test.each(operations)('%s says so first of all, and nothing is written', async (_, run) => {
    const source = open(old)
    await source.events.append('stream-0', [
      { type: 'Placed', data: {} },
      { type: 'Changed', data: {} },
    ])
    await copySchema(old, young, { schema, withSequences: false })
    const restored = open(young)
    const failed = run(restored)
    await expect(failed).rejects.toMatchObject({ code: 'SequenceBehind' })
    await expect(failed).rejects.toThrow(/setval/)
    expect((await readStored(young, schema)).events).toHaveLength(2)
    // What the message says to do.
    await young.query(`select setval('${schema}.events_position_seq', (select max(position) from ${schema}.events)),
      setval('${schema}.streams_stream_no_seq', (select max(stream_no) from ${schema}.streams))`)
    expect(await open(young).events.head()).toBe(2)
    expect(await open(young).events.append('stream-0', [{ type: 'Closed', data: {} }])).toMatchObject({
      version: 3,
      position: 3,
    })
  })
})
