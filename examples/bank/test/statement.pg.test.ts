import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { Account } from '../src/account.js'
import { endOfLastMonth, takeOver } from '../src/old-books.js'
import { statement } from '../src/statement.js'
import { openTestBank } from './support/open-test-bank.js'

const database = useDatabase({ max: 2 })

test('a statement knows what was, and nothing of what came later', async () => {
  await using bank = await openTestBank(database.url, {})
  await takeOver(bank, 'ada', 'bob')
  await bank.aggregates.update(Account, 'ada', Account.commands.deposit(1))
  const of = (account: string, time: Date): Promise<string> => statement(bank, account, time)

  expect(await of('ada', endOfLastMonth(new Date()))).toBe('Ada had 4800.00 € after 81 movements.')
  expect(await of('ada', new Date(Date.now() + 86_400_000))).toBe('Ada had 4800.01 € after 82 movements.')
  expect(await of('ada', new Date(0))).toBe('There was no such account.')
})

test('the end of a month is its last moment, also in January', () => {
  expect(endOfLastMonth(new Date('2026-01-31T23:00:00Z')).toISOString()).toBe('2025-12-31T23:59:59.999Z')
})
