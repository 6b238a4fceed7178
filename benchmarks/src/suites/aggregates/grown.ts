import { defineSuite } from '../../harness/suite.js'
import { loading } from './load-work.js'
import { rillflowAggregates } from './rillflow-aggregates.js'

const EVERY = 100
const SHORT = '100 events, no snapshot'
const CASES = [{ name: '1 caller' }]

/** A long stream at its worst, with the next snapshot one event away, and a short one without. */
export const aggregatesGrown = defineSuite({
  name: 'aggregates-grown',
  about: 'aggregates',
  title: 'Load a grown aggregate from its snapshot',
  unit: 'loads/s',
  better: 'higher',
  subject: '10,099 events, snapshot at 10,000',
  cases: CASES,
  contenders: {
    '10,099 events, snapshot at 10,000': loading(
      (url) => rillflowAggregates(url, { snapshot: { every: EVERY, version: 1 } }),
      10_000 + EVERY - 1,
    ),
    [SHORT]: loading(rillflowAggregates, 100),
  },
  targets: CASES.map(({ name }) => ({ case: name, against: SHORT, atLeast: 0.5 })),
})
