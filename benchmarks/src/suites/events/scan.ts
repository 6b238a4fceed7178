import { getHeapStatistics } from 'node:v8'
import { defineSuite, type Contender, type Ground, type Round } from '../../harness/suite.js'
import { makePool } from '../../stores/pool.js'
import { openRillflowStore } from '../../stores/events/rillflow.js'
import { LARGE_STORE, largeSeed, seedRillflow } from '../../stores/events/rillflow-seed.js'

const EVENTS = 1_000_000
const PAGE = 1_000
const CASES = [{ name: 'a million events' }]

/** Reads the first `limit` events of the feed, each as an object; calls `seen` for each. */
type Scan = (limit: number, seen: () => void) => Promise<void>

/** What one scan shows, and how many events came. */
type Measure = (readFeed: (seen: () => void) => Promise<void>) => Promise<Round & { readonly count: number }>

const timed: Measure = async (readFeed) => {
  let count = 0
  const start = performance.now()
  await readFeed(() => (count += 1))
  return { count, value: count / ((performance.now() - start) / 1_000) }
}

const weighed: Measure = async (readFeed) => {
  let count = 0
  let highest = 0
  await readFeed(() => {
    count += 1
    if (count % 100 === 0) highest = Math.max(highest, getHeapStatistics().used_heap_size)
  })
  return { count, value: highest / 1_000_000 }
}

/** A million events from the beginning of the feed, decoded, one at a time. */
export const scan = defineSuite({
  name: 'scan',
  about: 'events',
  title: 'Scan the feed',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: scanning(scanRillflow, timed), 'pg, pages': scanning(scanPages, timed) },
  shared: { rillflow: LARGE_STORE, 'pg, pages': LARGE_STORE },
  targets: [{ case: 'a million events', against: 'pg, pages', atLeast: 0.7 }],
})

/** What the same scan holds in memory. */
export const memory = defineSuite({
  name: 'memory',
  about: 'events',
  title: 'Highest use of the heap while the feed is iterated',
  unit: 'MB',
  better: 'lower',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: scanning(scanRillflow, weighed) },
  shared: { rillflow: LARGE_STORE },
  warmUp: false,
  targets: [{ case: 'a million events', of: 'value', atMost: 100 }],
})

type OpenScan = (url: string) => Promise<{ readonly readFeed: Scan; readonly close: () => Promise<void> }>

function scanning(open: OpenScan, measure: Measure): Contender<object> {
  return async ({ url, scaled }: Ground) => {
    const { close, readFeed } = await open(url)
    await seedRillflow(url, largeSeed(scaled))
    const expected = scaled(EVENTS)
    return {
      // A round is one scan, however long that takes.
      round: async () => {
        const { count, ...round } = await measure((seen) => readFeed(expected, seen))
        return count === expected ? round : { ...round, note: `${count} of ${expected} events came` }
      },
      close,
    }
  }
}

async function scanRillflow(url: string) {
  const store = await openRillflowStore(url)
  return {
    readFeed: async (limit: number, seen: () => void) => {
      for await (const { data } of store.events.readAll({ limit })) if (data) seen()
    },
    close: () => store.close(),
  }
}

const NEXT_PAGE = `
select e.position, e.version, e.type, e.schema_version, e.data, e.headers, e.event_id, e.causation_id, e.correlation_id,
  e.category, e.stream_id, e.created_at
from rillflow.events e where e.position > $1::bigint order by e.position limit $2`

async function scanPages(url: string) {
  await (await openRillflowStore(url)).close()
  const pool = makePool(url, 1)
  return {
    readFeed: async (limit: number, seen: () => void) => {
      let last = '0'
      for (let left = limit; left > 0;) {
        const { rows } = await pool.query<{ position: string; data: unknown }>({
          name: 'page',
          text: NEXT_PAGE,
          values: [last, Math.min(PAGE, left)],
        })
        for (const { data } of rows) if (data) seen()
        last = rows.at(-1)?.position ?? last
        left = rows.length < PAGE ? 0 : left - rows.length
      }
    },
    close: () => pool.end(),
  }
}
