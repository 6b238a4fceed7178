import { defineAggregate, type AggregateOptions, type CommandInputs } from '@rillflow/aggregates'
import { Account, type AccountEvents, type AccountState } from '../account.js'
import type { AccountAggregate } from './ways.js'

type Schemas = (typeof AccountEvents)['schemas']
type Changes = Partial<AggregateOptions<AccountState, Schemas, CommandInputs>>

/** The account of the other tests, as another version of the program defines it. */
export function accountWith(changes: Changes, name = 'account'): AccountAggregate {
  const { events, initial, evolve } = Account
  return defineAggregate<AccountState, Schemas, CommandInputs>(name, {
    events,
    initial,
    evolve,
    ...changes,
  })
}
