import { getHeapStatistics } from 'node:v8'
import { defineSuite, type Contender, type Ground, type Round } from '../harness/suite.js'
import { makePool } from '../stores/event-store.js'
import { openRillflowStore } from '../stores/rillflow.js'
import { seedRillflow } from '../stores/rillflow-seed.js'

const EVENTS = 1_000_000
const PAGE = 1_000
const CASES = [{ name: 'a million events' }]

/** Reads the whole feed, each event as an object; calls `seen` for each. */
type Scan = (seen: () => void) => Promise<void>

/** The whole feed, decoded, one event at a time. */
export const scan = defineSuite({
  name: 'scan',
  title: 'Scan the feed',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: scanning(scanRillflow, timed), 'pg, pages': scanning(scanPages, timed) },
  targets: [{ case: 'a million events', against: 'pg, pages', atLeast: 0.7 }],
})

/** What the same scan holds in memory. */
export const memory = defineSuite({
  name: 'memory',
  title: 'Highest use of the heap while the feed is iterated',
  unit: 'MB',
  better: 'lower',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: scanning(scanRillflow, weighed), 'pg, pages': scanning(scanPages, weighed) },
  targets: [{ case: 'a million events', of: 'value', atMost: 100 }],
})

type OpenScan = (url: string) => Promise<{ readonly readFeed: Scan; readonly close: () => Promise<void> }>

function scanning(open: OpenScan, measure: (readFeed: Scan) => Promise<Round & { count: number }>): Contender<object> {
  return async ({ url, scaled }: Ground) => {
    const { close, readFeed } = await open(url)
    const expected = (await seedRillflow(url, { events: scaled(EVENTS), eventsPerStream: 20 })) * 20
    return {
      // A round is one scan, however long that takes.
      round: async () => {
        const { count, ...round } = await measure(readFeed)
        return count === expected ? round : { ...round, note: `${count} of ${expected} events came` }
      },
      close,
    }
  }
}

async function timed(readFeed: Scan) {
  let count = 0
  const start = performance.now()
  await readFeed(() => (count += 1))
  return { count, value: count / ((performance.now() - start) / 1_000) }
}

async function weighed(readFeed: Scan) {
  let count = 0
  let highest = 0
  await readFeed(() => {
    count += 1
    if (count % 100 === 0) highest = Math.max(highest, getHeapStatistics().used_heap_size)
  })
  return { count, value: highest / 1_000_000 }
}

async function scanRillflow(url: string) {
  const store = await openRillflowStore(url)
  return {
    readFeed: async (seen: () => void) => {
      for await (const { data } of store.events.readAll()) if (data) seen()
    },
    close: () => store.close(),
  }
}

const NEXT_PAGE = `
select e.position, e.version, e.type, e.schema_version, e.data, e.headers, e.event_id, e.causation_id, e.correlation_id,
  e.category, e.stream_id, e.created_at
from rillflow.events e where e.position > $1::bigint order by e.position limit ${PAGE}`

async function scanPages(url: string) {
  await (await openRillflowStore(url)).close()
  const pool = makePool(url, 1)
  return {
    readFeed: async (seen: () => void) => {
      let last = '0'
      for (let full = true; full;) {
        const { rows } = await pool.query<{ position: string; data: unknown }>({
          name: 'page',
          text: NEXT_PAGE,
          values: [last],
        })
        for (const { data } of rows) if (data) seen()
        last = rows.at(-1)?.position ?? last
        full = rows.length === PAGE
      }
    },
    close: () => pool.end(),
  }
}
