import { defineSuite } from '../../harness/suite.js'
import { emmettProjections } from './emmett-projections.js'
import { SUMMARY_CASES } from './order-summary.js'
import { findAndReplace, foldInMemory } from './plain-projections.js'
import { rebuilding } from './projecting-work.js'
import { rillflowProjections } from './rillflow-projections.js'

const FIND = 'pg, find and replace'

/** The same projection made anew, over the documents of before; Rillflow's beside them, swapped at the end. */
export const projectionsRebuild = defineSuite({
  name: 'projections-rebuild',
  about: 'projections',
  title: 'Rebuild a projection to documents',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: SUMMARY_CASES,
  contenders: {
    rillflow: rebuilding(rillflowProjections),
    emmett: rebuilding(emmettProjections),
    [FIND]: rebuilding(findAndReplace),
    'pg, all in memory': rebuilding(foldInMemory),
  },
  targets: SUMMARY_CASES.map(({ name }) => ({ case: name, against: FIND, atLeast: 18 })),
})
