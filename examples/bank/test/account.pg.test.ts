import { given } from '@rillflow/testing'
import { describe, test } from 'vitest'
import { Account, InsufficientFundsError } from '../src/account.js'

const opened = { type: 'Opened', data: { owner: 'Ada' } } as const
const deposited = { type: 'Deposited', data: { amount: 5_000 } } as const

// No database: these are about decisions, and what events make of an account.
describe('an account', () => {
  test('is opened for its owner', async () => {
    await given(Account).when(Account.commands.open('Ada')).then([opened])
  })

  test('needs an owner with a name', async () => {
    await given(Account).when(Account.commands.open('')).thenError('ValidationFailed')
  })

  test('gives what it holds, to the last cent', async () => {
    await given(Account, [opened, deposited])
      .when(Account.commands.withdraw(5_000))
      .then([{ type: 'Withdrawn', data: { amount: 5_000 } }])
  })

  test('gives no more than it holds', async () => {
    await given(Account, [opened, deposited])
      .when(Account.commands.withdraw(5_001))
      .thenError({ name: 'InsufficientFundsError', balance: 5_000, asked: 5_001 })
  })

  test('sends no more than it holds', async () => {
    await given(Account, [opened, deposited])
      .when(Account.commands.send({ to: 'bob', amount: 5_001 }))
      .thenError({ name: 'InsufficientFundsError', balance: 5_000, asked: 5_001 })
  })

  test.each([0, -1, 0.5])('takes no deposit of %d', async (amount) => {
    await given(Account, [opened]).when(Account.commands.deposit(amount)).thenError('ValidationFailed')
  })

  test('is never left below zero, whatever a command forgets', async () => {
    await given(Account, [opened])
      .when(() => [{ type: 'Withdrawn', data: { amount: 1 } }])
      .thenError(InsufficientFundsError)
  })

  test('counts what comes and goes', async () => {
    await given(Account, [opened, deposited])
      .when([
        { type: 'Withdrawn', data: { amount: 1_000 } },
        { type: 'TransferSent', data: { to: 'bob', amount: 500 } },
        { type: 'TransferReceived', data: { from: 'bob', amount: 200 } },
      ])
      .thenState({ owner: 'Ada', balance: 3_700, movements: 4 })
  })
})
