import { Account } from './account.js'
import type { Bank } from './bank.js'

/** What the bank took in and gave out, beside what its accounts hold. */
export interface Audit {
  readonly accounts: number
  readonly paidIn: number
  readonly paidOut: number
  readonly held: number
}

/** Counts the money twice: at the counter, from the feed of all events; and on the accounts, from their states. */
export async function audit(bank: Bank): Promise<Audit> {
  let paidIn = 0
  let paidOut = 0
  for await (const { type, data } of bank.events.readAll({ filter: { types: ['Deposited', 'Withdrawn'] } })) {
    if (type === 'Deposited') paidIn += data.amount
    if (type === 'Withdrawn') paidOut += data.amount
  }

  let accounts = 0
  let held = 0
  for await (const { streamId } of bank.events.listStreams({ category: 'account' })) {
    const { state } = await bank.aggregates.load(Account, streamId)
    accounts += 1
    held += state.balance
  }
  return { accounts, paidIn, paidOut, held }
}
