import { defineSuite } from '../../harness/suite.js'
import { emmettAggregates } from './emmett-aggregates.js'
import { loading } from './load-work.js'
import { plainAggregates } from './plain-aggregates.js'
import { rillflowAggregates } from './rillflow-aggregates.js'

const EVENTS = 100
const CASES = [{ name: `${EVENTS} events` }]

/** The state of a stream, made of all its events; for comparison from a snapshot that has them all. */
export const aggregatesLoad = defineSuite({
  name: 'aggregates-load',
  about: 'aggregates',
  title: 'Load an aggregate',
  unit: 'loads/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: loading(rillflowAggregates, EVENTS),
    'rillflow, snapshot': loading(
      (url) => rillflowAggregates(url, { snapshot: { every: EVENTS, version: 1 } }),
      EVENTS,
    ),
    emmett: loading(emmettAggregates, EVENTS),
    'pg, one statement': loading(plainAggregates, EVENTS),
  },
  targets: CASES.map(({ name }) => ({ case: name, against: 'emmett', atLeast: 2.5 })),
})
