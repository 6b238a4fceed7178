import { defineAggregate } from '@rillflow/aggregates'
import { Account, AccountEvents, type AccountState } from './account.js'

/** An account without snapshots and without rules. */
export const PlainAccount = defineAggregate('plain-account', {
  events: AccountEvents,
  initial: (): AccountState => ({ owner: '', balance: 0, changes: 0 }),
  evolve: Account.evolve,
})

/** So many deposits, of 1, 2, 3 …: one that is lost, doubled or of another place shows in the balance. */
export function deposits(count: number, first = 1): { type: 'Deposited'; data: { amount: number } }[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'Deposited', data: { amount: first + index } }))
}

/** The account after that many of them. */
export function afterDeposits(count: number): AccountState {
  return { owner: '', balance: (count * (count + 1)) / 2, changes: count }
}

interface Appends {
  readonly events: {
    append(id: string, events: readonly { type: 'Deposited'; data: { amount: number } }[]): Promise<unknown>
  }
}

/** Brings a stream from one version to another, by appends alone: nothing of aggregates takes part. */
export async function deposit(store: Appends, id: string, to: number, from = 0): Promise<void> {
  for (let version = from; version < to; version += 5_000) {
    await store.events.append(id, deposits(Math.min(5_000, to - version), version + 1))
  }
}
