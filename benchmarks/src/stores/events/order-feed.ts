import pg from 'pg'
import { orderData, type OrderData } from './order-events.js'

/** What the feed holds that projections and subscriptions read. */
export interface FeedShape {
  readonly events: number
  readonly streams: number
  /** Each has as many streams as the next. */
  readonly customers: number
}

/** A hundred thousand events of 23,000 streams and 1,000 customers; in small with `--quick`. */
export function feedShape(scaled: (count: number) => number): FeedShape {
  return { events: scaled(100_000), streams: scaled(23_000), customers: scaled(1_000) }
}

const CHUNK = 5_000

interface FeedEvent {
  readonly place: number
  readonly stream: string
  readonly version: number
  readonly data: OrderData
}

/** The events as the rows that every seed takes them from. */
const ROWS = 'jsonb_to_recordset($1::text::jsonb) as e (place int, stream text, version bigint, data jsonb)'

/** Rillflow's tables, filled inside the server. */
export const RILLFLOW_FEED = `
with added as materialized (select * from ${ROWS}), held as (
  insert into rillflow.streams (stream_id, category, version)
  select stream, 'order', max(version) from added group by stream
  on conflict (stream_id) do update set version = excluded.version
  returning stream_no, stream_id
)
insert into rillflow.events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
select held.stream_no, added.version, added.stream, 'order', 'OrderPlaced', 1, added.data, gen_random_uuid()
from added join held on held.stream_id = added.stream order by added.place`

/** The tables by hand. */
export const PLAIN_FEED = `
with added as materialized (select * from ${ROWS}), held as (
  insert into plain.streams (stream_id, version) select stream, max(version) from added group by stream
  on conflict (stream_id) do update set version = excluded.version
  returning stream_no, stream_id
)
insert into plain.events (stream_no, stream_id, version, type, data, event_id)
select held.stream_no, added.stream, added.version, 'OrderPlaced', added.data, gen_random_uuid()
from added join held on held.stream_id = added.stream order by added.place`

/** What emmett's consumer reads; it asks for no streams. */
export const EMMETT_FEED = `
insert into emt_messages (stream_id, stream_position, transaction_id, message_type, message_schema_version, message_id,
  message_data, message_metadata)
select e.stream, e.version, pg_current_xact_id(), 'OrderPlaced', '1', gen_random_uuid(), e.data, '{}'
from ${ROWS} order by e.place`

/** Fills empty tables with the feed, by one of the statements above. */
export async function seedFeed(url: string, shape: FeedShape, insert: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let chunk: FeedEvent[] = []
    for (const event of feedEvents(shape)) {
      chunk.push(event)
      if (chunk.length < CHUNK && event.place < shape.events) continue
      await client.query(insert, [JSON.stringify(chunk)])
      chunk = []
    }
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
}

function* feedEvents({ events, streams, customers }: FeedShape): Generator<FeedEvent> {
  const versions = new Int32Array(streams)
  let place = 0
  for (const stream of shuffledStreams(events, streams)) {
    place += 1
    const version = (versions[stream] ?? 0) + 1
    versions[stream] = version
    const data = { ...orderData(place), customerId: `c-${stream % customers}` }
    yield { place, stream: `order-${stream}`, version, data }
  }
}

/** The stream of each event, the same for every contender. One stream after the other, no batch would have a key twice. */
function shuffledStreams(events: number, streams: number): Int32Array {
  const order = Int32Array.from({ length: events }, (_, place) => place % streams)
  let state = 1
  for (let last = events - 1; last > 0; last -= 1) {
    // A linear congruence, with the factors of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (last + 1))
    const [here = 0, there = 0] = [order[last], order[other]]
    order[last] = there
    order[other] = here
  }
  return order
}
