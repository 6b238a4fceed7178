import pg from 'pg'

/** What a seeded store holds. */
export interface Seed {
  readonly events: number
  readonly eventsPerStream: number
}

/** The database that suites share which want a large store. */
export const LARGE_STORE = 'two million events'

/** What it holds: 100,000 streams, or, in small, at least the thousand that grow side by side. */
export function largeSeed(scaled: (count: number) => number): Seed {
  return { events: Math.max(20_000, scaled(2_000_000)), eventsPerStream: 20 }
}

// Streams grow side by side, a thousand at a time, as they do in life: one stream's events lie on many pages.
const SIDE_BY_SIDE = 1_000
const CHUNK = 200_000

const SEED_STREAMS = `
insert into rillflow.streams (stream_id, category, version)
select 'order-seed-' || number, 'order', $3::bigint from generate_series($1::int, $2::int) as number`

const SEED_EVENTS = `
insert into rillflow.events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
select s.stream_no, at.version, s.stream_id, 'order', 'OrderPlaced', 1, jsonb_build_object(
  'orderId', 'o-' || number, 'customerId', 'c-' || number % 5000, 'total', number % 100000 / 100.0, 'currency', 'EUR',
  'lines', jsonb_build_array(jsonb_build_object('sku', 'sku-' || number % 997, 'quantity', 1 + number % 5)),
  'address', jsonb_build_object('street', 'Via Giuseppe Garibaldi 1861, interno 17', 'city', 'Torino', 'zip', '10121')
), gen_random_uuid()
from generate_series($1::int, $2::int) as number
  join rillflow.streams s on s.stream_id = 'order-seed-' || number
  cross join generate_series(1, $3::int) as at (version)
order by number / ${SIDE_BY_SIDE}, at.version, number`

/** Fills Rillflow's tables inside the server, with streams `order-seed-<n>` from 0 on, unless another has; returns how many. */
export async function seedRillflow(url: string, { events, eventsPerStream }: Seed): Promise<number> {
  const streams = Math.ceil(events / eventsPerStream)
  const step = Math.max(SIDE_BY_SIDE, Math.floor(CHUNK / eventsPerStream / SIDE_BY_SIDE) * SIDE_BY_SIDE)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    if (await isSeeded(client, streams)) return streams
    for (let first = 0; first < streams; first += step) {
      const range = [first, Math.min(first + step, streams) - 1, eventsPerStream]
      await client.query(SEED_STREAMS, range)
      await client.query(SEED_EVENTS, range)
    }
    await client.query('vacuum analyze rillflow.streams, rillflow.events')
  } finally {
    await client.end()
  }
  return streams
}

async function isSeeded(client: pg.Client, streams: number): Promise<boolean> {
  const last = `order-seed-${streams - 1}`
  const { rowCount } = await client.query('select from rillflow.streams where stream_id = $1', [last])
  return rowCount === 1
}
