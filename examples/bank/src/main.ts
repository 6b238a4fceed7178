import { isRillflowError } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import { Account, InsufficientFundsError } from './account.js'
import { audit } from './audit.js'
import { openBank } from './bank.js'
import { euro } from './money.js'
import { endOfLastMonth, takeOver } from './old-books.js'
import { statement } from './statement.js'
import { transfer } from './transfer.js'

// A PostgreSQL for this run: yours when DATABASE_URL is set, else one that is started here and stopped at the end.
await using postgres = await startPostgres({ from: process.env.DATABASE_URL ? 'url' : 'embedded', durable: true })
await using bank = openBank(postgres.url)
await sync(bank)

// An account is a stream, and its number the id of the stream. Each run has accounts of its own.
const run = Date.now()
const [ada, bob, cyd] = [`ada-${run}`, `bob-${run}`, `cyd-${run}`] as const

console.log('Ada and Bob come from a bank that kept its books on paper.')
console.log(`  ${await takeOver(bank, ada, bob)} events of the last three months are taken over.`)
const { candidates, largestGap } = await bank.aggregates.snapshots.backlog(Account)
const { taken } = await bank.aggregates.snapshots.takeAll(Account)
console.log(`  ${candidates} account has ${largestGap} events and no snapshot: ${taken} is taken.`)

console.log('Cyd opens an account, and clicks twice.')
await bank.aggregates.create(Account, cyd, Account.commands.open('Cyd'))
try {
  await bank.aggregates.create(Account, cyd, Account.commands.open('Cyd'))
} catch (error) {
  if (!isRillflowError(error, 'AggregateExists')) throw error
  console.log(`  ${error.code}: there is one account all the same.`)
}

console.log('Cyd pays 50.00 € in, and asks for 80.00 €.')
await bank.aggregates.update(Account, cyd, Account.commands.deposit(5_000))
try {
  await bank.aggregates.update(Account, cyd, Account.commands.withdraw(8_000))
} catch (error) {
  if (!(error instanceof InsufficientFundsError)) throw error
  console.log(`  Refused: ${error.message}`)
}

console.log('Ada sends Cyd 200.00 €.')
await transfer(bank, { from: ada, to: cyd, amount: 20_000 })
console.log(`  Ada has ${await balanceOf(ada)}, Cyd has ${await balanceOf(cyd)}.`)

console.log('Bob sends 100.00 € to an account that is not there.')
try {
  await transfer(bank, { from: bob, to: 'nobody', amount: 10_000 })
} catch (error) {
  if (!isRillflowError(error, 'AggregateNotFound')) throw error
  console.log(`  ${error.code}: Bob has ${await balanceOf(bob)}, as before.`)
}

console.log('Sixteen transfers at once, between three accounts and in both directions.')
const ways = [
  { from: ada, to: bob },
  { from: bob, to: ada },
  { from: bob, to: cyd },
  { from: cyd, to: ada },
]
const amounts = [100, 200, 300, 400]
await Promise.all(ways.flatMap((way) => amounts.map((amount) => transfer(bank, { ...way, amount }))))
console.log(`  Ada has ${await balanceOf(ada)}, Bob has ${await balanceOf(bob)}, Cyd has ${await balanceOf(cyd)}.`)

console.log('Ada wants a statement as of the end of last month.')
console.log(`  ${await statement(bank, ada, endOfLastMonth(new Date()))}`)

console.log('The doors are closed, and the money is counted.')
const { accounts, paidIn, paidOut, held } = await audit(bank)
console.log(`  Paid in ${euro(paidIn)}, paid out ${euro(paidOut)}; ${accounts} accounts hold ${euro(held)}.`)
if (held !== paidIn - paidOut) throw new Error(`The books are wrong by ${euro(held - (paidIn - paidOut))}.`)
console.log('  Not a cent is missing.')

async function balanceOf(account: string): Promise<string> {
  const { state } = await bank.aggregates.load(Account, account)
  return euro(state.balance)
}
