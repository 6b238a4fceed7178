import { expect, test } from 'vitest'
import { Account } from './support/account.js'
import type { ExecuteOften } from './fixtures/execute-often.js'
import { useWorkplace } from './fixtures/use-workplace.js'
import { withWorkers } from './fixtures/worker.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { describeRate, expectEachOnce, type Deposit } from './support/snapshots/hot-stream.js'

const PROCESSES = 4
const CALLERS = 4
const TIMES = process.env['RILLFLOW_LONG'] === '1' ? 600 : 60
const EACH = CALLERS * TIMES

const workplace = useWorkplace('execute-often')

test(`${PROCESSES * EACH} executions on one stream by ${PROCESSES} processes of ${CALLERS} callers: none is lost`, async () => {
  const { store, schema } = await newAccountStore(workplace.pool)
  // Nothing is there to be held before the first event.
  await store.aggregates.create(Account, 'hot', Account.commands.deposit(0))
  const jobs = Array.from({ length: PROCESSES }, (_, index): ExecuteOften => {
    return { url: workplace.url, schema, id: 'hot', callers: CALLERS, times: TIMES, first: index * EACH + 1 }
  })
  const done = await withWorkers<readonly Deposit[], readonly Deposit[]>(workplace.file, jobs, async (workers) => {
    const begun = performance.now()
    const deposits = (await Promise.all(workers.map((worker) => worker.go()))).flat()
    console.log(describeRate(`${PROCESSES} processes`, deposits, performance.now() - begun))
    return deposits
  })
  expect(done).toHaveLength(PROCESSES * EACH)
  expect(Math.max(...done.map(({ attempts }) => attempts))).toBeLessThanOrEqual(4)
  await expectEachOnce(store, 'hot', [{ amount: 0, version: 1, attempts: 1 }, ...done])
})
