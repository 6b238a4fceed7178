import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { Account } from './support/account.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { describeRate, expectEachOnce, type Deposit } from './support/snapshots/hot-stream.js'

const CALLERS = 16
const EXECUTIONS = 1_000
const database = useDatabase({ max: CALLERS })

test(`${EXECUTIONS} executions on one stream by ${CALLERS} callers of one process: none lost, none repeated`, async () => {
  const { store } = await newAccountStore(database.pool)
  const done: Deposit[] = []
  let next = 1
  const call = async (): Promise<void> => {
    while (next <= EXECUTIONS) {
      const amount = next
      next += 1
      const { version, attempts } = await store.aggregates.execute(Account, 'hot', Account.commands.deposit(amount))
      done.push({ amount, version, attempts })
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: CALLERS }, call))
  console.log(describeRate('one process', done, performance.now() - begun))
  await expectEachOnce(store, 'hot', done)
  // Those of one process follow one another: there is nobody to conflict with.
  expect(done.filter(({ attempts }) => attempts > 1)).toEqual([])
})
