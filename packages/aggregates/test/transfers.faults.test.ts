import { isRillflowError } from '@rillflow/core'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { countAnomalies, type Anomaly } from '../../../test/reliability/support/anomaly.js'
import { barrier } from '../../../test/reliability/support/barrier.js'
import { checkTransfers, type AccountsRead, type Transfer } from '../../../test/reliability/support/check-transfers.js'
import { Random } from '../../../test/reliability/support/children/random.mjs'
import { chooseSeed } from '../../../test/reliability/support/history-folder.js'
import { Account, InsufficientFunds } from './support/account.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { snapshotsOf } from './support/snapshots/snapshot-table.js'
import { balanceReaders, transferWays, type BalanceReader, type TransferOrder } from './support/snapshots/transfers.js'
import type { TestStore } from './support/test-store.js'

const CALLERS = 16
const TURNS = process.env['RILLFLOW_LONG'] === '1' ? 500 : 10
const EACH = 100
const ids = Array.from({ length: 8 }, (_, n) => `account-${n}`)
const seed = chooseSeed()

let server: EmbeddedPostgres
let pool: pg.Pool
let store: TestStore
let schema: string
let readers: Readonly<Record<string, BalanceReader>>
let transfers: Transfer[]
let reads: AccountsRead[]

beforeAll(async () => {
  // Transfers that meet crosswise are broken soon, instead of after a second.
  server = await startPostgres({ from: 'embedded', settings: { deadlock_timeout: '10ms' } })
  pool = new pg.Pool({ connectionString: server.url, max: CALLERS + 6 })
  pool.on('error', () => undefined)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
})

beforeEach(async () => {
  ;({ store, schema } = await newAccountStore(pool))
  readers = balanceReaders(pool, schema)
  transfers = []
  reads = []
  for (const id of ids) await store.aggregates.create(Account, id, Account.commands.deposit(EACH))
})

/** Every balance of every read that was made by looking at one moment. */
async function look(by: string): Promise<void> {
  reads.push({ by, balances: await (readers[by] as BalanceReader)(store, ids) })
}

async function anomalies(): Promise<readonly Anomaly[]> {
  // Its first deposit is the one version that an account has without a transfer.
  const loaded = await Promise.all(ids.map((id) => store.aggregates.load(Account, id)))
  const versions = new Map(loaded.map(({ id, version }) => [id, version]))
  return checkTransfers({ total: EACH * ids.length, transfers, reads, versions })
}

/** Transfers until it is done or the account has too little: a session's conflict, and a deadlock met too often, are tried again. */
async function transfer(way: keyof typeof transferWays, order: TransferOrder): Promise<number> {
  for (let attempt = 1; attempt <= 1_000; attempt += 1) {
    try {
      await transferWays[way](store, order)
      transfers.push({ from: order.from, to: order.to, outcome: 'ok' })
      return attempt
    } catch (error) {
      transfers.push({ from: order.from, to: order.to, outcome: 'refused' })
      if (error instanceof InsufficientFunds) return attempt
      if (!isRillflowError(error, 'VersionConflict') && !isRillflowError(error, 'Deadlock')) throw error
    }
  }
  throw new Error(`a transfer by ${way} never came through`)
}

describe(`I7: transfers by ${CALLERS} callers over ${ids.length} accounts`, { timeout: 600_000 }, () => {
  test.each(Object.keys(transferWays) as (keyof typeof transferWays)[])('by %s', async (way) => {
    const before = (await server.log()).length
    let working = CALLERS
    const isWorking = (): boolean => working > 0
    const caller = async (index: number): Promise<void> => {
      const random = new Random(seed + index)
      for (let turn = 0; turn < TURNS; turn += 1) {
        const from = ids[random.between(0, ids.length - 1)] as string
        const others = ids.filter((id) => id !== from)
        const to = others[random.between(0, others.length - 1)] as string
        await transfer(way, { from, to, amount: random.between(1, 60) })
      }
      working -= 1
    }
    const reader = async (by: string): Promise<void> => {
      while (isWorking()) await look(by)
      await look(by)
    }
    const callers = Array.from({ length: CALLERS }, (_, index) => caller(index))
    await Promise.all([...callers, ...Object.keys(readers).map(reader)])
    expect(countAnomalies(await anomalies())).toEqual({})
    expect(reads.flatMap(({ balances }) => balances).filter((balance) => balance < 0)).toEqual([])
    // They did meet, and snapshots were read on the way.
    const done = transfers.filter(({ outcome }) => outcome === 'ok').length
    expect(done).toBeGreaterThan(CALLERS)
    expect(await snapshotsOf(pool, schema)).not.toEqual([])
    const deadlocks = (await server.log()).slice(before).split('40P01 ERROR').length - 1
    console.log(`${way}: ${done} of ${transfers.length} attempts, ${deadlocks} deadlocks, ${reads.length} reads`)
    if (way === 'held') expect(deadlocks).toBe(0)
  })
})

test('of two that decide on the same balance, one decides again and is refused', async () => {
  const bothDecided = barrier(2)
  const decided: number[] = []
  const take = (to: string): Promise<unknown> =>
    store.transaction(async (tx) => {
      await tx.aggregates.execute(Account, 'account-0', async (account, place) => {
        decided.push(account.balance)
        await bothDecided()
        return Account.commands.withdraw(80)(account, place)
      })
      await tx.aggregates.execute(Account, to, Account.commands.deposit(80))
    })
  const outcomes = await Promise.allSettled([take('account-1'), take('account-2')])
  for (const [index, { status }] of outcomes.entries()) {
    transfers.push({
      from: 'account-0',
      to: `account-${index + 1}`,
      outcome: status === 'fulfilled' ? 'ok' : 'refused',
    })
  }
  for (const by of Object.keys(readers)) await look(by)
  expect(decided).toEqual([100, 100, 20])
  const refusals = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  expect(refusals).toEqual([expect.any(InsufficientFunds)])
  expect(countAnomalies(await anomalies())).toEqual({})
})

test('two transfers that meet crosswise: the one that the server breaks is run again, and both are done', async () => {
  const before = (await server.log()).length
  const bothWithdrew = barrier(2)
  let runs = 0
  const move = (from: string, to: string): Promise<void> =>
    store.transaction(async (tx) => {
      runs += 1
      await tx.aggregates.execute(Account, from, Account.commands.withdraw(10))
      await bothWithdrew()
      await tx.aggregates.execute(Account, to, Account.commands.deposit(10))
    })
  await Promise.all([move('account-0', 'account-1'), move('account-1', 'account-0')])
  transfers.push(
    { from: 'account-0', to: 'account-1', outcome: 'ok' },
    { from: 'account-1', to: 'account-0', outcome: 'ok' },
  )
  for (const by of Object.keys(readers)) await look(by)
  expect((await server.log()).slice(before)).toContain('40P01')
  expect(runs).toBeGreaterThan(2)
  expect(countAnomalies(await anomalies())).toEqual({})
})

describe('what is no transfer, or no read, is caught', () => {
  test('a withdrawal and a deposit that are two transactions', async () => {
    await store.aggregates.execute(Account, 'account-0', Account.commands.withdraw(10))
    for (const by of Object.keys(readers)) await look(by)
    await store.aggregates.execute(Account, 'account-1', Account.commands.deposit(10))
    transfers.push({ from: 'account-0', to: 'account-1', outcome: 'ok' })
    expect(countAnomalies(await anomalies())).toEqual({ sum: Object.keys(readers).length })
  })

  test('a load for each account', async () => {
    const balances: number[] = []
    for (const id of ids) {
      balances.push((await store.aggregates.load(Account, id)).state.balance)
      if (id === 'account-0') await transfer('execute', { from: 'account-1', to: 'account-0', amount: 10 })
    }
    reads.push({ by: 'one after the other', balances })
    expect(countAnomalies(await anomalies())).toEqual({ sum: 1 })
  })

  test('a transfer that was told of and is not there', async () => {
    transfers.push({ from: 'account-0', to: 'account-1', outcome: 'ok' })
    expect(countAnomalies(await anomalies())).toEqual({ lost: 2 })
  })
})
