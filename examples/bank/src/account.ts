import { defineAggregate } from '@rillflow/aggregates'
import { defineEvents } from '@rillflow/events'
import { z } from 'zod'
import { euro } from './money.js'

const Amount = z.int().positive()

/** What happens to an account. Amounts are in cents. */
export const AccountEvents = defineEvents('account', {
  Opened: z.object({ owner: z.string().min(1) }),
  Deposited: z.object({ amount: Amount }),
  Withdrawn: z.object({ amount: Amount }),
  TransferSent: z.object({ to: z.string(), amount: Amount }),
  TransferReceived: z.object({ from: z.string(), amount: Amount }),
})

/** What an account is after its events: no more than decisions and statements need. */
export interface AccountState {
  readonly owner: string
  readonly balance: number
  readonly movements: number
}

/** More was asked of an account than it holds. */
export class InsufficientFundsError extends Error {
  readonly balance: number
  readonly asked: number
  constructor({ owner, balance }: AccountState, asked: number) {
    super(`${owner}'s account holds ${euro(balance)}, and was asked for ${euro(asked)}.`)
    this.name = 'InsufficientFundsError'
    this.balance = balance
    this.asked = asked
  }
}

/** Somebody wants to send money to the account that it comes from. */
export class SameAccountError extends Error {
  constructor() {
    super('A transfer needs two accounts.')
    this.name = 'SameAccountError'
  }
}

/** An account: its events, what they make of it, and what may be asked of it. */
export const Account = defineAggregate('account', {
  events: AccountEvents,
  initial: (): AccountState => ({ owner: '', balance: 0, movements: 0 }),
  evolve: {
    Opened: (account, { data }) => ({ ...account, owner: data.owner }),
    Deposited: (account, { data }) => moved(account, data.amount),
    Withdrawn: (account, { data }) => moved(account, -data.amount),
    TransferSent: (account, { data }) => moved(account, -data.amount),
    TransferReceived: (account, { data }) => moved(account, data.amount),
  },
  commands: {
    open: (_, owner: string) => [{ type: 'Opened', data: { owner } }],
    deposit: (_, amount: number) => [{ type: 'Deposited', data: { amount } }],
    withdraw: (account, amount: number) => {
      refuseOverdraft(account, amount)
      return [{ type: 'Withdrawn', data: { amount } }]
    },
    send: (account, { to, amount }: { to: string; amount: number }) => {
      refuseOverdraft(account, amount)
      return [{ type: 'TransferSent', data: { to, amount } }]
    },
    receive: (_, { from, amount }: { from: string; amount: number }) => [
      { type: 'TransferReceived', data: { from, amount } },
    ],
  },
  // The last word, whatever a command forgets: no commit leaves an account below zero.
  validate: (account) => refuseOverdraft(account, 0),
  snapshot: { every: 50, version: 1 },
})

function moved(account: AccountState, amount: number): AccountState {
  return { ...account, balance: account.balance + amount, movements: account.movements + 1 }
}

function refuseOverdraft(account: AccountState, asked: number): void {
  if (account.balance < asked) throw new InsufficientFundsError(account, asked)
}
