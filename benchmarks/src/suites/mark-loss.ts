import type { Round } from '../harness/suite.js'

/** Notes on a round that what was acknowledged is not what is stored. */
export function markLoss(round: Round, acknowledged: number, stored: number): Round {
  return stored === acknowledged ? round : { ...round, note: `${acknowledged} acknowledged, ${stored} stored` }
}
