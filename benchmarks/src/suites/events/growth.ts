import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender, type Ground } from '../../harness/suite.js'
import { orderEvents } from '../../stores/events/order-events.js'
import { rillflow } from '../../stores/events/rillflow.js'
import { LARGE_STORE, largeSeed, seedRillflow, type Seed } from '../../stores/events/rillflow-seed.js'

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
  about: 'events',
  title: 'Growth of the store',
  unit: 'calls/s',
  better: 'higher',
  subject: LARGE,
  cases: CASES,
  contenders: { [LARGE]: grown(largeSeed), [SMALL]: grown(() => ({ events: 20_000, eventsPerStream: 20 })) },
  shared: { [LARGE]: LARGE_STORE },
  targets: CASES.map(({ name }) => ({ case: name, against: SMALL, atLeast: 0.85 })),
})

function grown(seed: (scaled: Ground['scaled']) => Seed): Contender<(typeof CASES)[number]> {
  return async ({ url, scaled }) => {
    const store = await rillflow(url)
    const streams = await seedRillflow(url, seed(scaled))
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
