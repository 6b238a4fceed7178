import { drive } from '../harness/drive.js'
import { defineSuite, type Contender } from '../harness/suite.js'
import { orderEvents } from '../stores/order-events.js'
import { rillflow } from '../stores/rillflow.js'
import { seedRillflow } from '../stores/rillflow-seed.js'

const EVENTS_PER_STREAM = 20
const SMALL = 'at 20,000 events'
const LARGE = 'at 2,000,000 events'

// Reading comes first: appends make the small store larger.
const CASES = [
  { name: 'load 20 events, 1 caller', work: 'load', callers: 1 },
  { name: 'append one event, 1 caller', work: 'append', callers: 1 },
  { name: 'append one event, 32 callers', work: 'append', callers: 32 },
] as const

/** The same work in a small store and in one a hundred times its size. */
export const growth = defineSuite({
  name: 'growth',
  title: 'Growth of the store',
  unit: 'calls/s',
  better: 'higher',
  subject: LARGE,
  cases: CASES,
  contenders: { [LARGE]: grown(2_000_000), [SMALL]: grown(20_000) },
  targets: CASES.map(({ name }) => ({ case: name, against: SMALL, atLeast: 0.85 })),
})

function grown(events: number): Contender<(typeof CASES)[number]> {
  return async ({ url, scaled }) => {
    const store = await rillflow(url)
    // A small seed has at least the one thousand streams that grow side by side.
    const streams = await seedRillflow(url, {
      events: Math.max(20_000, scaled(events)),
      eventsPerStream: EVENTS_PER_STREAM,
    })
    let appended = 0
    const calls = {
      load: () => store.load(`order-seed-${Math.floor(Math.random() * streams)}`),
      append: () => store.append(`order-new-${(appended += 1)}`, 0, orderEvents(1)),
    }
    return {
      round: ({ work, callers }, seconds) => drive({ callers, seconds, call: calls[work] }),
      close: () => store.close(),
    }
  }
}
