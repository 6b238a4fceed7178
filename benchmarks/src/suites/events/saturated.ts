import pg from 'pg'
import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import type { OpenEventStore } from '../../stores/events/event-store.js'
import { orderEvents } from '../../stores/events/order-events.js'
import { plainPg } from '../../stores/events/plain-pg.js'
import { openRillflowStore, rillflow } from '../../stores/events/rillflow.js'

const EVENTS = 10
const CASES = [{ name: '128 callers', callers: 128 }]

type SaturatedCase = (typeof CASES)[number]

/** As many events as go in, against what the server itself can put into the same tables. */
export const saturated = defineSuite({
  name: 'saturated',
  about: 'events',
  title: 'Append ten events at once, saturated',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: flooding(rillflow),
    'pg, one statement': flooding(plainPg),
    'INSERT … SELECT': insertSelect,
  },
  targets: [{ case: '128 callers', against: 'INSERT … SELECT', atLeast: 0.75 }],
})

function flooding(open: OpenEventStore): Contender<SaturatedCase> {
  return async ({ url }) => {
    const store = await open(url)
    let streams = 0
    const call = (): Promise<unknown> => store.append(`order-${(streams += 1)}`, 0, orderEvents(EVENTS))
    return {
      round: ({ callers }, seconds) => drive({ callers, seconds, unitsPerCall: EVENTS, call }),
      close: () => store.close(),
    }
  }
}

// The rows lie ready, payloads and ids included: what remains is writing them.
const SOURCE = `
create unlogged table public.source as
select stream, version, gen_random_uuid() as event_id, jsonb_build_object(
  'orderId', 'o-' || stream, 'customerId', 'c-' || version, 'total', 12.5, 'currency', 'EUR',
  'lines', jsonb_build_array(jsonb_build_object('sku', 'sku-1', 'quantity', 1)),
  'address', jsonb_build_object('street', 'Via Giuseppe Garibaldi 1861, interno 17', 'city', 'Torino', 'zip', '10121')
) as data from generate_series(1, 1000) as stream, generate_series(1, ${EVENTS}) as version`

const INSERT = `
with made as (
  insert into rillflow.streams (stream_id, category, version)
  select 'order-' || $1::text || '-' || stream, 'order', ${EVENTS} from generate_series(1, 1000) as stream
  returning stream_no, stream_id
), numbered as (
  select stream_no, stream_id, row_number() over (order by stream_no) as stream from made
)
insert into rillflow.events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
select n.stream_no, s.version, n.stream_id, 'order', 'OrderPlaced', 1, s.data, s.event_id
from numbered n join public.source s on s.stream = n.stream`

async function insertSelect({ url }: { readonly url: string }) {
  await (await openRillflowStore(url)).close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(SOURCE)
  await client.query('analyze public.source')
  let calls = 0
  const call = (): Promise<unknown> => client.query({ name: 'insert', text: INSERT, values: [(calls += 1)] })
  return {
    round: (_: SaturatedCase, seconds: number) => drive({ callers: 1, seconds, unitsPerCall: 1_000 * EVENTS, call }),
    close: () => client.end(),
  }
}
