import type { DecidedEvent } from '@rillflow/aggregates'
import type { AccountEvents } from '../account.js'

type AccountEvent = DecidedEvent<(typeof AccountEvents)['schemas']>

/** So many deposits, of 1, 2, 3 … from `first` on. */
export function deposits(count: number, first = 1): readonly AccountEvent[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'Deposited', data: { amount: first + index } }))
}
