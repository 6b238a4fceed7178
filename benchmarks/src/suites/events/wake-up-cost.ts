import { defineSuite } from '../../harness/suite.js'
import { rillflow } from '../../stores/events/rillflow.js'
import { appending } from './append-work.js'

const WITHOUT = 'rillflow without wake-ups'
const CASES = [
  { name: '1 caller', callers: 1 },
  { name: '32 callers', callers: 32 },
]

/** What telling the readers of other processes costs the writers. */
export const wakeUpCost = defineSuite({
  name: 'wake-up-cost',
  about: 'events',
  title: 'Append one event with wake-ups',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: appending(rillflow, 1),
    [WITHOUT]: appending((url) => rillflow(url, { wakeUps: false }), 1),
  },
  targets: CASES.map(({ name }) => ({ case: name, against: WITHOUT, atLeast: 0.85 })),
})
