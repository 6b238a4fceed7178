import type pg from 'pg'
import type { OrderData } from '../../stores/events/order-events.js'
import { PLAIN_FEED, seedFeed, type FeedShape } from '../../stores/events/order-feed.js'
import { PLAIN_TABLES } from '../../stores/events/plain-tables.js'
import { makePool, runOnce } from '../../stores/pool.js'
import { BY_CUSTOMER, BY_STREAM, type ProjectedTables } from './check-documents.js'
import { withEvent, type OrderSummary, type SummaryBy } from './order-summary.js'
import type { ProjectionStore } from './projection-store.js'

const PAGE = 1_000
const TABLES = { order: 'plain.by_order', customer: 'plain.by_customer' } as const
const MAKE = `
create table plain.by_order (id text collate "C" primary key, doc jsonb not null);
create table plain.by_customer (id text collate "C" primary key, doc jsonb not null);
create table plain.checkpoints (name text primary key, position bigint not null)`

const NEXT_PAGE =
  'select position, stream_id, data from plain.events where position > $1::bigint order by position limit $2::int'
const CHECKPOINT = `
insert into plain.checkpoints as c (name, position) values ($1, $2)
on conflict (name) do update set position = excluded.position`

interface PlainEvent {
  readonly position: string
  readonly stream_id: string
  readonly data: OrderData
}

/** Projects one event, in the transaction of its page. */
type ProjectOne = (client: pg.ClientBase, table: string, id: string, event: PlainEvent) => Promise<void>

/** A read and a write for each event, prepared and awaited. */
export function findAndReplace(url: string, shape: FeedShape): Promise<ProjectionStore> {
  return eventByEvent(url, shape, async (client, table, id, event) => {
    const find = { name: `find ${table}`, text: `select doc from ${table} where id = $1`, values: [id] }
    const { rows } = await client.query<{ doc: OrderSummary }>(find)
    const text = `insert into ${table} (id, doc) values ($1, $2) on conflict (id) do update set doc = excluded.doc`
    const values = [id, JSON.stringify(withEvent(rows[0]?.doc, id, event))]
    await client.query({ name: `replace ${table}`, text, values })
  })
}

/** The fold written in SQL: one statement for each event, prepared and awaited. */
export function updateEach(url: string, shape: FeedShape): Promise<ProjectionStore> {
  return eventByEvent(url, shape, async (client, table, id, event) => {
    const values = [id, JSON.stringify(withEvent(undefined, id, event))]
    await client.query({ name: `update ${table}`, text: updateStatement(table), values })
  })
}

function updateStatement(table: string): string {
  const sum = (field: string): string =>
    `'${field}', (d.doc ->> '${field}')::numeric + (excluded.doc ->> '${field}')::numeric`
  return `insert into ${table} as d (id, doc) values ($1, $2) on conflict (id) do update
set doc = excluded.doc || jsonb_build_object(${sum('orders')}, ${sum('total')}, ${sum('quantity')})`
}

/** A page of events a transaction, with its checkpoint. */
async function eventByEvent(url: string, shape: FeedShape, project: ProjectOne): Promise<ProjectionStore> {
  const { pool, ...rest } = await openPlain(url, shape)
  const catchUp = async (by: SummaryBy, signal: AbortSignal): Promise<void> => {
    const client = await pool.connect()
    try {
      let last = await checkpointOf(client, by)
      while (!signal.aborted) {
        const events = await readPage(client, last)
        last = events.at(-1)?.position ?? last
        if (events.length === 0) return
        await client.query('begin')
        for (const event of events) await project(client, TABLES[by], keyOf(by, event), event)
        await client.query({ name: 'checkpoint', text: CHECKPOINT, values: [by, last] })
        await client.query('commit')
      }
    } finally {
      client.release()
    }
  }
  return {
    ...rest,
    spoil: rest.forget,
    catchUp,
    // The usual way: emptied, and filled again under the eyes of its readers.
    rebuild: async (by, signal) => {
      await rest.forget(by)
      await catchUp(by, signal)
    },
  }
}

/** All documents in memory at once, written by one statement: the bound of a rebuild. */
export async function foldInMemory(url: string, shape: FeedShape): Promise<ProjectionStore> {
  const { pool, ...rest } = await openPlain(url, shape)
  const rebuild = async (by: SummaryBy): Promise<void> => {
    const client = await pool.connect()
    try {
      const docs = new Map<string, OrderSummary>()
      for (let events = await readPage(client, '0'); events.length > 0;) {
        const coming = readPage(client, events.at(-1)?.position ?? '0')
        for (const event of events) {
          const id = keyOf(by, event)
          docs.set(id, withEvent(docs.get(id), id, event))
        }
        events = await coming
      }
      await client.query('begin')
      await client.query(`delete from ${TABLES[by]}`)
      const values = [[...docs.keys()], [...docs.values()].map((doc) => JSON.stringify(doc))]
      await client.query(`insert into ${TABLES[by]} (id, doc) select * from unnest($1::text[], $2::jsonb[])`, values)
      await client.query('commit')
    } finally {
      client.release()
    }
  }
  return {
    ...rest,
    catchUp: rebuild,
    spoil: async (by) => {
      await rebuild(by)
      await runOnce(url, `update ${TABLES[by]} set doc = doc || '{"orders": 0}'`)
      await runOnce(url, `vacuum analyze ${TABLES[by]}`)
    },
    rebuild,
  }
}

async function openPlain(url: string, shape: FeedShape) {
  await runOnce(url, `${PLAIN_TABLES}${MAKE}`)
  await seedFeed(url, shape, PLAIN_FEED)
  const pool = makePool(url)
  return {
    pool,
    forget: async (by: SummaryBy): Promise<void> => {
      await pool.query(`truncate ${TABLES[by]}`)
      await pool.query('delete from plain.checkpoints where name = $1', [by])
    },
    tables,
    close: () => pool.end(),
  }
}

function tables(by: SummaryBy): ProjectedTables {
  return {
    events: 'select position, stream_id, data from plain.events',
    documents: `select id, doc from ${TABLES[by]}`,
    key: by === 'order' ? BY_STREAM : BY_CUSTOMER,
  }
}

function keyOf(by: SummaryBy, event: PlainEvent): string {
  return by === 'order' ? event.stream_id : event.data.customerId
}

async function readPage(client: pg.ClientBase, after: string): Promise<readonly PlainEvent[]> {
  const { rows } = await client.query<PlainEvent>({ name: 'page', text: NEXT_PAGE, values: [after, PAGE] })
  return rows
}

async function checkpointOf(client: pg.ClientBase, by: SummaryBy): Promise<string> {
  const text = 'select position from plain.checkpoints where name = $1'
  const { rows } = await client.query<{ position: string }>(text, [by])
  return rows[0]?.position ?? '0'
}
