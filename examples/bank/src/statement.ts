import { Account } from './account.js'
import type { Bank } from './bank.js'
import { euro } from './money.js'

/** What an account held at a moment, from its events up to then. */
export async function statement(bank: Bank, account: string, time: Date): Promise<string> {
  const { state, exists } = await bank.aggregates.loadAt(Account, account, { time })
  if (!exists) return 'There was no such account.'
  return `${state.owner} had ${euro(state.balance)} after ${state.movements} movements.`
}
