import { sync } from '@rillflow/schema'
import { openBank, type Bank } from '../../src/bank.js'
import { Account } from '../../src/account.js'

/** A bank that is ready, with accounts that hold so much each. */
export async function openTestBank(url: string, balances: Readonly<Record<string, number>>): Promise<Bank> {
  const bank = openBank(url)
  await sync(bank)
  for (const [id, balance] of Object.entries(balances)) {
    await bank.aggregates.create(Account, id, Account.commands.open(id))
    if (balance > 0) await bank.aggregates.update(Account, id, Account.commands.deposit(balance))
  }
  return bank
}
