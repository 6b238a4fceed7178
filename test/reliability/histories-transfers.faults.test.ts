import { beforeEach, expect, test } from 'vitest'
import { countAnomalies, type Anomaly } from './support/anomaly.js'
import { barrier } from './support/barrier.js'
import { checkTransfers, type AccountsRead, type Transfer } from './support/check-transfers.js'
import type { Random } from './support/children/random.mjs'
import { attempt } from './support/known-outcome.js'
import type { HistoryStore } from './support/open-history-store.js'
import { historyTimeout, pick, pickTwo, useHistories } from './support/use-histories.js'

const clients = useHistories()
const accounts = Array.from({ length: 6 }, (_, at) => `a-${at}`)
const each = 100
let transfers: Transfer[]
let reads: AccountsRead[]

beforeEach(async () => {
  transfers = []
  reads = []
  await clients.store(0).docs.accounts.putMany(accounts.map((id) => ({ id, balance: each })))
})

interface Order {
  readonly from: string
  readonly to: string
  readonly amount: number
}

const balancesOf = (found: readonly ({ readonly balance: number } | undefined)[]): readonly number[] =>
  found.flatMap((account) => (account === undefined ? [] : [account.balance]))

const readers: Readonly<Record<string, (store: HistoryStore) => Promise<readonly number[]>>> = {
  find: async ({ docs }) => balancesOf(await docs.accounts.find({})),
  getMany: async ({ docs }) => balancesOf(await docs.accounts.getMany(accounts)),
  loadMany: async (store) => balancesOf(await store.session().docs.accounts.loadMany(accounts)),
  query: async ({ docs }) => balancesOf(await docs.accounts.query().orderBy('balance', 'desc').all()),
  'gets of one tick': async ({ docs }) =>
    balancesOf(await Promise.all(accounts.map((id) => docs.accounts.get(id)))),
  inTransaction: (store) => store.transaction(async (tx) => balancesOf(await tx.docs.accounts.getMany(accounts))),
} // prettier-ignore

/** Each calls `haveRead` between what it reads and what it writes, where it reads at all. */
type Way = (store: HistoryStore, order: Order, haveRead: () => Promise<void>) => Promise<unknown>

const ways: Readonly<Record<'session' | 'expected' | 'patches' | 'updates', Way>> = {
  async session(store, { from, to, amount }, haveRead) {
    const session = store.session()
    const [source, target] = await session.docs.accounts.loadMany([from, to])
    await haveRead()
    session.docs.accounts.store({ id: from, balance: (source?.balance ?? 0) - amount })
    session.docs.accounts.store({ id: to, balance: (target?.balance ?? 0) + amount })
    await session.saveChanges()
  },
  expected: (store, { from, to, amount }, haveRead) =>
    store.transaction(async (tx) => {
      const source = await tx.docs.accounts.getStored(from)
      const target = await tx.docs.accounts.getStored(to)
      await haveRead()
      const left = { id: from, balance: (source?.doc.balance ?? 0) - amount }
      await tx.docs.accounts.put(left, { expected: source?.version })
      const grown = { id: to, balance: (target?.doc.balance ?? 0) + amount }
      await tx.docs.accounts.put(grown, { expected: target?.version })
    }),
  async patches(store, { from, to, amount }) {
    const session = store.session()
    session.docs.accounts.patch(from, (patch) => patch.increment('balance', -amount))
    session.docs.accounts.patch(to, (patch) => patch.increment('balance', amount))
    await session.saveChanges()
  },
  updates: (store, { from, to, amount }) =>
    store.transaction(async (tx) => {
      await tx.docs.accounts.update(from, ({ id, balance }) => ({ id, balance: balance - amount }))
      await tx.docs.accounts.patch(to, (patch) => patch.increment('balance', amount))
    }),
}
const wayNames = Object.keys(ways) as readonly (keyof typeof ways)[]

async function move(
  way: keyof typeof ways,
  store: HistoryStore,
  order: Order,
  haveRead: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { outcome } = await attempt(() => ways[way](store, order, haveRead))
  transfers.push({ from: order.from, to: order.to, outcome })
}

async function look(by: string, store: HistoryStore): Promise<void> {
  const { result } = await attempt(() => (readers[by] as (typeof readers)[string])(store))
  if (result !== undefined) reads.push({ by, balances: result })
}

async function anomalies(): Promise<readonly Anomaly[]> {
  const stored = await Promise.all(accounts.map((id) => clients.store(0).docs.accounts.getStored(id)))
  const versions = new Map(stored.map((account) => [account?.id ?? '', account?.version ?? 0]))
  return checkTransfers({ total: each * accounts.length, transfers, reads, versions })
}

test(
  'R11, I7: the sum is the same in every read, while connections end',
  async () => {
    const turn = async (store: HistoryStore, random: Random): Promise<void> => {
      if (random.chance(0.4)) return look(pick(random, Object.keys(readers)), store)
      const [from, to] = pickTwo(random, accounts)
      await move(pick(random, wayNames), store, { from, to, amount: random.between(1, 20) })
    }
    await clients.check({
      name: 'transfers',
      turn,
      history: async () => {
        // Each connection that was ended is met by one call at the most.
        for (const by of Object.keys(readers)) for (const store of clients.stores) await look(by, store)
        expect(new Set(transfers.map(({ outcome }) => outcome))).toContain('ok')
        expect(new Set(reads.map(({ by }) => by)).size).toBe(Object.keys(readers).length)
        return { operations: [...transfers, ...reads], anomalies: await anomalies() }
      },
    })
  },
  historyTimeout,
)

test.each(['session', 'expected'] as const)(
  'R11: of two that read the same balance one is refused: %s',
  async (way) => {
    const bothRead = barrier(2)
    await Promise.all([
      move(way, clients.store(1), { from: 'a-0', to: 'a-1', amount: 10 }, bothRead),
      move(way, clients.store(2), { from: 'a-0', to: 'a-2', amount: 5 }, bothRead),
    ])
    for (const by of Object.keys(readers)) await look(by, clients.store(0))
    expect(transfers.map(({ outcome }) => outcome).toSorted()).toEqual(['ok', 'refused'])
    expect(countAnomalies(await anomalies())).toEqual({})
  },
)

test('R11: a transfer that reads outside its transaction and writes without expected versions is caught', async () => {
  const bothRead = barrier(2)
  const blind = async (store: HistoryStore, { from, to, amount }: Order): Promise<void> => {
    const [source, target] = await store.docs.accounts.getMany([from, to])
    await bothRead()
    await store.transaction(async (tx) => {
      await tx.docs.accounts.put({ id: from, balance: (source?.balance ?? 0) - amount })
      await tx.docs.accounts.put({ id: to, balance: (target?.balance ?? 0) + amount })
    })
    transfers.push({ from, to, outcome: 'ok' })
  }
  await Promise.all([
    blind(clients.store(1), { from: 'a-0', to: 'a-1', amount: 10 }),
    blind(clients.store(2), { from: 'a-0', to: 'a-2', amount: 5 }),
  ])
  for (const by of Object.keys(readers)) await look(by, clients.store(0))
  expect(countAnomalies(await anomalies())).toEqual({ sum: Object.keys(readers).length })
})

test('R11: a reader that takes one statement for each account is caught', async () => {
  const balances: number[] = []
  for (const id of accounts) {
    balances.push(...balancesOf([await clients.store(0).docs.accounts.get(id)]))
    if (id === 'a-0') await move('session', clients.store(0), { from: 'a-1', to: 'a-0', amount: 10 })
  }
  reads.push({ by: 'one after the other', balances })
  expect(countAnomalies(await anomalies())).toEqual({ sum: 1 })
})
