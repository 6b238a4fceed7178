import { typed } from '@rillflow/core'
import { defineAggregate } from '@rillflow/aggregates'
import { defineEvents } from '@rillflow/events'

/** The events of an account. */
export const AccountEvents = defineEvents('account', {
  Opened: typed<{ owner: string }>(),
  Deposited: typed<{ amount: number }>(),
  Withdrawn: typed<{ amount: number }>(),
})

/** What an account is after its events. */
export interface AccountState {
  readonly owner: string
  readonly balance: number
  readonly changes: number
}

/** The account was asked for more than it holds. */
export class InsufficientFunds extends Error {}

/** An account whose balance never falls below 0. */
export const Account = defineAggregate('account', {
  events: AccountEvents,
  initial: (): AccountState => ({ owner: '', balance: 0, changes: 0 }),
  evolve: {
    Opened: (account, { data }) => ({ ...account, owner: data.owner }),
    Deposited: (account, { data }) => ({
      ...account,
      balance: account.balance + data.amount,
      changes: account.changes + 1,
    }),
    Withdrawn: (account, { data }) => ({
      ...account,
      balance: account.balance - data.amount,
      changes: account.changes + 1,
    }),
  },
  commands: {
    open: (account, owner: string) => (account.owner === '' ? [{ type: 'Opened', data: { owner } }] : []),
    deposit: (_, amount: number) => [{ type: 'Deposited', data: { amount } }],
    withdraw: (account, amount: number) => {
      if (amount > account.balance) throw new InsufficientFunds()
      return [{ type: 'Withdrawn', data: { amount } }]
    },
  },
  validate: ({ balance }) => {
    if (balance < 0) throw new InsufficientFunds()
  },
  snapshot: { every: 10, version: 1 },
})
