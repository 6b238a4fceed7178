import { Account, SameAccountError } from './account.js'
import type { Bank } from './bank.js'

/** What is to go from one account to another, in cents. */
export interface Transfer {
  readonly from: string
  readonly to: string
  readonly amount: number
}

/** Moves money between two accounts in one transaction: both of them change, or neither. */
export async function transfer(bank: Bank, { from, to, amount }: Transfer): Promise<void> {
  if (from === to) throw new SameAccountError()
  await bank.transaction(async (tx) => {
    // Held in the order of their ids: transfers that cross queue up, and none waits for one that waits for it.
    for (const id of [from, to].toSorted()) await tx.aggregates.loadForUpdate(Account, id)
    await tx.aggregates.update(Account, from, Account.commands.send({ to, amount }))
    await tx.aggregates.update(Account, to, Account.commands.receive({ from, amount }))
  })
}
