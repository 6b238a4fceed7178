import { defineSuite } from '../../harness/suite.js'
import { emmettProjections } from './emmett-projections.js'
import { SUMMARY_CASES } from './order-summary.js'
import { findAndReplace, updateEach } from './plain-projections.js'
import { catchingUp } from './projecting-work.js'
import { rillflowProjections } from './rillflow-projections.js'

const FIND = 'pg, find and replace'
const UPDATE = 'pg, one UPDATE an event'

/** A projection that begins with a feed of a hundred thousand events before it. */
export const projectionsAsync = defineSuite({
  name: 'projections-async',
  about: 'projections',
  title: 'Catch up an async projection to documents',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: SUMMARY_CASES,
  contenders: {
    rillflow: catchingUp(rillflowProjections),
    emmett: catchingUp(emmettProjections),
    'emmett, batches of 1,000': catchingUp((url, shape) =>
      emmettProjections(url, shape, { batchSize: 1_000, pullingFrequencyInMs: 1 }),
    ),
    [FIND]: catchingUp(findAndReplace),
    [UPDATE]: catchingUp(updateEach),
  },
  targets: SUMMARY_CASES.flatMap(({ name }) => [
    { case: name, against: FIND, atLeast: 18 },
    { case: name, against: UPDATE, atLeast: 9 },
  ]),
})
