import { useDatabase } from '@rillflow/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { InsufficientFundsError, SameAccountError } from '../src/account.js'
import { audit } from '../src/audit.js'
import type { Bank } from '../src/bank.js'
import { transfer } from '../src/transfer.js'
import { openTestBank } from './support/open-test-bank.js'

const database = useDatabase({ max: 2 })
let bank: Bank

beforeAll(async () => {
  bank = await openTestBank(database.url, { a: 1_000, b: 1_000, c: 1_000, d: 0 })
})
afterAll(() => bank.close())

/** What callers have done, and what they were refused with. */
const done: string[] = []

async function attempt(from: string, to: string, amount: number): Promise<void> {
  const outcome = await transfer(bank, { from, to, amount }).then(
    () => 'sent',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : (error as Error).name),
  )
  done.push(outcome)
}

test('sixteen callers at once: the total is what was paid in, whatever was refused on the way', async () => {
  const ways = ['ab', 'ba', 'bc', 'cb', 'ca', 'ac', 'ad', 'd-']
  const caller = async (n: number): Promise<void> => {
    for (let round = 0; round < 12; round += 1) {
      const [from = '', to = ''] = ways[(n + round * 5) % ways.length] ?? ''
      await attempt(from, to, 50 + ((n * 7 + round * 13) % 60))
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, n) => caller(n)))

  expect(await audit(bank)).toEqual({ accounts: 4, paidIn: 3_000, paidOut: 0, held: 3_000 })
  const moves = await bank.events.readAll({ filter: { types: ['TransferSent', 'TransferReceived'] } }).toArray()
  const count = (outcome: string): number => done.filter((each) => each === outcome).length
  expect(moves).toHaveLength(2 * count('sent'))
  // `-` is no account: what d sends there has left d, and must be there again.
  expect([...new Set(done)].toSorted()).toEqual(['AggregateNotFound', 'InsufficientFundsError', 'sent'])
  expect(count('sent')).toBeGreaterThan(100)
  // Each waits for its turn on both accounts, and none for one that waits for it.
  expect(await database.log()).not.toContain(' 40P01 ')
})

test('a transfer that cannot be leaves both accounts as they were', async () => {
  const before = await audit(bank)
  const tooMuch = before.held + 1
  await expect(transfer(bank, { from: 'a', to: 'b', amount: tooMuch })).rejects.toBeInstanceOf(InsufficientFundsError)
  await expect(transfer(bank, { from: 'a', to: 'a', amount: 1 })).rejects.toBeInstanceOf(SameAccountError)
  await expect(transfer(bank, { from: 'a', to: 'b', amount: 0 })).rejects.toMatchObject({ code: 'ValidationFailed' })
  expect(await audit(bank)).toEqual(before)
})
