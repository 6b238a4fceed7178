import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sync } from '@rillflow/schema'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { countAnomalies, type Anomaly } from './support/anomaly.js'
import { barrier } from './support/barrier.js'
import { checkFeed } from './support/check-feed.js'
import { checkLists, type ListPart, type ListTransaction } from './support/check-lists.js'
import { checkRegisters } from './support/check-registers.js'
import { checkTransfers, type AccountsRead, type Transfer } from './support/check-transfers.js'
import { Random } from './support/children/random.mjs'
import type { RecordedEvent } from './support/history.js'
import { chooseSeed, withHistory } from './support/history-folder.js'
import { actualVersion, outcomeOf, type Outcome, type Sending } from './support/known-outcome.js'
import { openHistoryStore, type HistoryStore } from './support/open-history-store.js'
import { readStored } from './support/read-stored.js'
import type { RegisterOperation } from './support/register-operation.js'
import { runClients, terminateOne } from './support/run-clients.js'
import { countProblems } from './support/violation.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const clients = 8
const turns = long ? 1_000 : 60
const faults = 0.02
const seed = chooseSeed()

let server: EmbeddedPostgres
let direct: pg.Pool
let schema: string
let stores: readonly HistoryStore[]
let terminated = 0
let made = 0

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { deadlock_timeout: '20ms' } })
  direct = new pg.Pool({ connectionString: server.url, max: 6 })
  direct.on('error', () => undefined)
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

beforeEach(async () => {
  made += 1
  schema = `histories_${made}`
  terminated = 0
  const connection = { url: server.url, maxConnections: 2, applicationName: schema }
  // Each client has connections, and queues of calls that leave together, of its own.
  stores = Array.from({ length: clients }, () => openHistoryStore(connection, schema))
  await sync(first())
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
})

function first(): HistoryStore {
  return stores[0] as HistoryStore
}

/** Lets every client have its turns while connections are ended, and looks for anomalies; a failing history is kept. */
async function check(
  name: string,
  turn: (store: HistoryStore, random: Random) => Promise<void>,
  history: () => Promise<{ readonly operations: readonly unknown[]; readonly anomalies: readonly Anomaly[] }>,
): Promise<void> {
  const random = new Random(seed)
  const fault = async (): Promise<void> => void (terminated += (await terminateOne(direct, schema)) ? 1 : 0)
  await withHistory(`${name}-${seed}`, async (folder) => {
    await runClients({ clients: stores, turns, random, turn: (store) => turn(store, random), fault, faults })
    const { operations, anomalies } = await history()
    await writeFile(join(folder, 'history.json'), JSON.stringify({ operations, anomalies }, undefined, 1))
    expect(countAnomalies(anomalies)).toEqual({})
    expect(terminated, 'connections were ended').toBeGreaterThan(0)
  })
}

/** Runs a call and says how it ended for its caller. */
async function attempt<Result>(
  sending: Sending,
  call: () => Promise<Result>,
): Promise<{ outcome: Outcome; result?: Result; actual?: number | undefined }> {
  try {
    return { outcome: 'ok', result: await call() }
  } catch (error) {
    return { outcome: outcomeOf(error, sending), actual: actualVersion(error) }
  }
}

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.between(0, items.length - 1)] as Item

/** Two different ones. */
function pickTwo<Item>(random: Random, items: readonly Item[]): readonly [Item, Item] {
  const at = random.between(0, items.length - 1)
  const other = (at + random.between(1, items.length - 1)) % items.length
  return [items[at] as Item, items[other] as Item]
}

describe('R11: registers', { timeout: long ? 600_000 : 120_000 }, () => {
  const registers = ['r-1', 'r-2', 'r-3'] as const
  let clock = 0
  let operations: RegisterOperation[] = []
  let known: Map<HistoryStore, Map<string, number>>

  beforeEach(() => {
    operations = []
    known = new Map(stores.map((store) => [store, new Map<string, number>()]))
  })

  type Told = Partial<Omit<RegisterOperation, 'outcome'>> | undefined

  /** Makes one call and records it with its times. */
  async function record(
    about: Pick<RegisterOperation, 'register' | 'kind' | 'value' | 'expected'>,
    sending: Sending,
    call: () => Promise<Told>,
  ): Promise<number | undefined> {
    const begin = (clock += 1)
    const { outcome, result, actual } = await attempt(sending, call)
    const operation = { ...about, begin, end: (clock += 1), outcome, ...(result ?? { version: actual }) }
    operations.push(operation)
    return operation.version
  }

  const reads: readonly ((store: HistoryStore, register: string) => Promise<Told>)[] = [
    async ({ docs }, id) => {
      const stored = await docs.registers.getStored(id)
      return { value: stored?.doc.value, version: stored?.version ?? 0 }
    },
    async ({ docs }, id) => ({ value: (await docs.registers.get(id))?.value }),
    async ({ docs }, id) => ({ value: (await docs.registers.getMany([id]))[0]?.value }),
    async ({ docs }, id) => ({ value: (await docs.registers.find({ id }))[0]?.value }),
    async (store, id) => ({ value: (await store.session().docs.registers.load(id))?.value }),
  ]

  async function change(store: HistoryStore, id: string, value: string): Promise<Told> {
    const session = store.session()
    const saw = (await session.docs.registers.load(id))?.value
    session.docs.registers.store({ id, value })
    const { docs } = await session.saveChanges()
    return { saw, version: docs[0]?.version }
  }

  async function update({ docs }: HistoryStore, id: string, value: string): Promise<Told> {
    let saw: string | undefined
    const { version } = await docs.registers.update(id, (doc) => {
      saw = doc.value
      return { id, value }
    })
    return { saw, version }
  }

  async function turn(store: HistoryStore, random: Random): Promise<void> {
    const register = pick(random, registers)
    const versions = known.get(store) as Map<string, number>
    const expected = versions.get(register) ?? 0
    const value = randomUUID()
    const doc = { id: register, value }
    const choice = random.next()
    let version: number | undefined
    if (choice < 0.4) {
      const read = pick(random, reads)
      version = await record({ register, kind: 'read' }, 'transaction', () => read(store, register))
    } else if (choice < 0.5) {
      version = await record({ register, kind: 'write', value }, 'single statement', () =>
        store.docs.registers.put(doc),
      )
    } else if (choice < 0.75) {
      version = await record({ register, kind: 'write', value, expected }, 'single statement', () =>
        store.docs.registers.put(doc, { expected }),
      )
    } else {
      // There is nothing to update before the first write.
      const work = choice < 0.9 || expected === 0 ? change : update
      version = await record({ register, kind: 'change', value }, 'transaction', () => work(store, register, value))
    }
    if (version !== undefined) versions.set(register, version)
  }

  test('reads, writes, compare-and-set and changes are linearizable, while connections end', async () => {
    await check('registers', turn, async () => {
      for (const register of registers) {
        await record({ register, kind: 'read' }, 'transaction', () =>
          (reads[0] as (typeof reads)[0])(first(), register),
        )
      }
      const outcomes = new Set(operations.map(({ kind, outcome }) => `${kind} ${outcome}`))
      expect([...outcomes]).toEqual(expect.arrayContaining(['read ok', 'write ok', 'write refused', 'change ok']))
      return { operations, anomalies: checkRegisters(operations) }
    })
  })

  test('a change that reads and then puts without the version is caught', async () => {
    await record({ register: 'r', kind: 'write', value: 'a' }, 'single statement', () =>
      first().docs.registers.put({ id: 'r', value: 'a' }),
    )
    const bothRead = barrier(2)
    const blind = (store: HistoryStore, value: string): Promise<unknown> =>
      record({ register: 'r', kind: 'change', value }, 'single statement', async () => {
        const saw = (await store.docs.registers.get('r'))?.value
        await bothRead()
        return { saw, ...(await store.docs.registers.put({ id: 'r', value })) }
      })
    await Promise.all([blind(stores[1] as HistoryStore, 'b'), blind(stores[2] as HistoryStore, 'c')])
    expect(countAnomalies(checkRegisters(operations))).toEqual({ 'lost update': 1 })
  })
})

describe('R11: transfers', { timeout: long ? 600_000 : 120_000 }, () => {
  const accounts = Array.from({ length: 6 }, (_, at) => `a-${at}`)
  const each = 100
  let transfers: Transfer[]
  let reads: AccountsRead[]

  beforeEach(async () => {
    transfers = []
    reads = []
    await first().docs.accounts.putMany(accounts.map((id) => ({ id, balance: each })))
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
    const { outcome } = await attempt('transaction', () => ways[way](store, order, haveRead))
    transfers.push({ from: order.from, to: order.to, outcome })
  }

  async function look(by: string, store: HistoryStore): Promise<void> {
    const { result } = await attempt('transaction', () => (readers[by] as (typeof readers)[string])(store))
    if (result !== undefined) reads.push({ by, balances: result })
  }

  async function anomalies(): Promise<readonly Anomaly[]> {
    const stored = await Promise.all(accounts.map((id) => first().docs.accounts.getStored(id)))
    const versions = new Map(stored.map((account) => [account?.id ?? '', account?.version ?? 0]))
    return checkTransfers({ total: each * accounts.length, transfers, reads, versions })
  }

  test('I7: the sum is the same in every read, while connections end', async () => {
    const turn = async (store: HistoryStore, random: Random): Promise<void> => {
      if (random.chance(0.4)) return look(pick(random, Object.keys(readers)), store)
      const [from, to] = pickTwo(random, accounts)
      await move(pick(random, wayNames), store, { from, to, amount: random.between(1, 20) })
    }
    await check('transfers', turn, async () => {
      // Each connection that was ended is met by one call at the most.
      for (const by of Object.keys(readers)) for (const store of stores) await look(by, store)
      expect(new Set(transfers.map(({ outcome }) => outcome))).toContain('ok')
      expect(new Set(reads.map(({ by }) => by)).size).toBe(Object.keys(readers).length)
      return { operations: [...transfers, ...reads], anomalies: await anomalies() }
    })
  })

  test.each(['session', 'expected'] as const)('of two that read the same balance one is refused: %s', async (way) => {
    const bothRead = barrier(2)
    await Promise.all([
      move(way, stores[1] as HistoryStore, { from: 'a-0', to: 'a-1', amount: 10 }, bothRead),
      move(way, stores[2] as HistoryStore, { from: 'a-0', to: 'a-2', amount: 5 }, bothRead),
    ])
    for (const by of Object.keys(readers)) await look(by, first())
    expect(transfers.map(({ outcome }) => outcome).toSorted()).toEqual(['ok', 'refused'])
    expect(countAnomalies(await anomalies())).toEqual({})
  })

  test('a transfer that reads outside its transaction and writes without expected versions is caught', async () => {
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
      blind(stores[1] as HistoryStore, { from: 'a-0', to: 'a-1', amount: 10 }),
      blind(stores[2] as HistoryStore, { from: 'a-0', to: 'a-2', amount: 5 }),
    ])
    for (const by of Object.keys(readers)) await look(by, first())
    expect(countAnomalies(await anomalies())).toEqual({ sum: Object.keys(readers).length })
  })

  test('a reader that takes one statement for each account is caught', async () => {
    const balances: number[] = []
    for (const id of accounts) {
      balances.push(...balancesOf([await first().docs.accounts.get(id)]))
      if (id === 'a-0') await move('session', first(), { from: 'a-1', to: 'a-0', amount: 10 })
    }
    reads.push({ by: 'one after the other', balances })
    expect(countAnomalies(await anomalies())).toEqual({ sum: 1 })
  })
})

describe('R11: lists', { timeout: long ? 600_000 : 120_000 }, () => {
  const streams = ['s-1', 's-2', 's-3', 's-4'] as const
  let transactions: ListTransaction[]
  let feeds: (readonly RecordedEvent[])[]

  beforeEach(() => {
    transactions = []
    feeds = []
  })

  const toEvents = (elements: readonly string[]) => elements.map((id) => ({ id, type: 'Added', data: {} }) as const)

  const newPart = (random: Random, streamId: string): ListPart => ({
    streamId,
    elements: Array.from({ length: random.between(1, 3) }, () => randomUUID()),
  })

  async function read(store: HistoryStore, streamId: string): Promise<ListPart> {
    // A page holds all of the stream: two pages are two statements, and between them the stream may grow.
    const events = await store.events.readStream(streamId, { pageSize: 10_000 }).toArray()
    return { streamId, elements: events.map(({ id }) => id) }
  }

  /** Every stream in one statement, and not by the library: whether what it wrote is one. */
  async function snapshot(): Promise<readonly ListPart[]> {
    const { rows } = await direct.query<{ streamId: string; elements: string[] }>(
      `select stream_id as "streamId", array_agg(event_id::text order by version) as elements
      from ${schema}.events group by stream_id`,
    )
    return streams.map((streamId) => rows.find((row) => row.streamId === streamId) ?? { streamId, elements: [] })
  }

  async function record(
    appends: readonly ListPart[],
    sending: Sending,
    call: () => Promise<readonly ListPart[]>,
  ): Promise<void> {
    const name = `t-${transactions.length + 1}`
    const { outcome, result = [] } = await attempt(sending, call)
    transactions.push({ name, outcome, appends, reads: result })
  }

  type Append = (streamId: string, events: ReturnType<typeof toEvents>, options: { expected?: number }) => unknown

  /** In a session or in a transaction, which both write all of it or nothing. */
  async function together(store: HistoryStore, isSession: boolean, work: (append: Append) => Promise<void>) {
    if (!isSession) return store.transaction((tx) => work((...append) => tx.events.append(...append)))
    const session = store.session()
    await work((...append) => session.events.append(...append))
    await session.saveChanges()
  }

  /** Appends to two streams what `haveRead` of both, if it did, makes it expect. */
  async function appendToBoth(options: {
    readonly store: HistoryStore
    readonly parts: readonly ListPart[]
    readonly isSession: boolean
    readonly haveRead?: (() => Promise<void>) | undefined
  }): Promise<void> {
    const { store, parts, isSession, haveRead } = options
    await record(parts, 'transaction', async () => {
      const seen: ListPart[] = []
      if (haveRead !== undefined) {
        for (const { streamId } of parts) seen.push(await read(store, streamId))
        await haveRead()
      }
      await together(store, isSession, async (append) => {
        for (const [at, { streamId, elements }] of parts.entries()) {
          const expected = seen[at]?.elements.length
          await append(streamId, toEvents(elements), expected === undefined ? {} : { expected })
        }
      })
      return seen
    })
  }

  async function turn(store: HistoryStore, random: Random): Promise<void> {
    const pair = pickTwo(random, streams)
    const choice = random.next()
    if (choice < 0.15) return record([], 'append', async () => [await read(store, pair[0])])
    if (choice < 0.25) return record([], 'append', snapshot)
    if (choice < 0.35) {
      const { result } = await attempt('append', () => store.events.readAll({ pageSize: 10_000 }).toArray())
      return void (result === undefined ? undefined : feeds.push(result))
    }
    if (choice < 0.55) {
      const part = newPart(random, pair[0])
      return record([part], 'append', async () => {
        await store.events.append(part.streamId, toEvents(part.elements))
        return []
      })
    }
    const parts = pair.map((streamId) => newPart(random, streamId))
    const haveRead = random.chance(0.6) ? () => Promise.resolve() : undefined
    await appendToBoth({ store, parts, isSession: random.chance(0.5), haveRead })
  }

  async function anomalies(): Promise<readonly Anomaly[]> {
    const stored = new Map((await snapshot()).map(({ streamId, elements }) => [streamId, elements]))
    return checkLists(transactions, stored)
  }

  test('no G0, G1, G-single, G2-item in what is appended, while connections end', async () => {
    await check('lists', turn, async () => {
      const { events } = await readStored(direct, schema)
      for (const seen of feeds) {
        const brief = seen.map(({ position, streamId, version, id, type }) => ({ position, streamId, version, id, type }))
        const upTo = seen.at(-1)?.position ?? 0
        expect(countProblems(checkFeed(events.filter(({ position }) => position <= upTo), brief))).toEqual({})
      } // prettier-ignore
      const both = transactions.filter(
        ({ outcome, appends, reads }) => outcome === 'ok' && appends.length + reads.length > 3,
      )
      expect(both.length, 'some have read both their streams and appended to both').toBeGreaterThan(0)
      expect(transactions.some(({ outcome }) => outcome === 'refused')).toBe(true)
      return { operations: transactions, anomalies: await anomalies() }
    })
  })

  test.each([true, false])('of two that read the same streams one is refused (session: %s)', async (isSession) => {
    const haveRead = barrier(2)
    const random = new Random(seed)
    await Promise.all(
      [1, 2].map((at) => {
        const parts = [newPart(random, 's-1'), newPart(random, 's-2')]
        return appendToBoth({ store: stores[at] as HistoryStore, parts, isSession, haveRead })
      }),
    )
    expect(transactions.map(({ outcome }) => outcome).toSorted()).toEqual(['ok', 'refused'])
    expect(countAnomalies(await anomalies())).toEqual({})
  })

  test('two that read both streams and each append to one without expected versions are caught', async () => {
    const haveRead = barrier(2)
    const random = new Random(seed)
    await Promise.all(
      [stores[1] as HistoryStore, stores[2] as HistoryStore].map((store, at) => {
        const part = newPart(random, streams[at] as string)
        return record([part], 'append', async () => {
          const seen = [await read(store, 's-1'), await read(store, 's-2')]
          await haveRead()
          await store.events.append(part.streamId, toEvents(part.elements))
          return seen
        })
      }),
    )
    expect(countAnomalies(await anomalies())).toEqual({ 'G2-item': 2 })
  })

  /** A transaction on a client of its own that appends step by step, and what is visible of all of it meanwhile. */
  async function stepwise(work: (step: (streamId: string) => Promise<void>) => Promise<void>): Promise<void> {
    const client = await direct.connect()
    try {
      await client.query('begin')
      await work(async (streamId) => {
        await first().transaction({ client }, (tx) => tx.events.append(streamId, toEvents([randomUUID()])))
      })
      await client.query('commit')
    } finally {
      await client.query('rollback')
      client.release()
    }
  }

  const visible = async (): Promise<readonly string[]> =>
    (await first().events.readAll().toArray()).map(({ streamId }) => streamId)

  test('a reader of the feed sees nothing of an open transaction, and all of it after the commit', async () => {
    await stepwise(async (step) => {
      await step('s-1')
      expect(await visible()).toEqual([])
      await step('s-2')
      expect(await visible()).toEqual([])
    })
    expect(await visible()).toEqual(['s-1', 's-2'])
  })

  test('where another begins to append in between, the feed ends there until that one has ended', async () => {
    await stepwise(async (other) => {
      await stepwise(async (step) => {
        await step('s-1')
        await other('s-3')
        await step('s-2')
      })
      // In the order of positions, and nothing is passed over; but not all of a transaction at once.
      expect(await visible()).toEqual(['s-1'])
    })
    expect(await visible()).toEqual(['s-1', 's-3', 's-2'])
  })

  test('two appends to two streams that are not in one transaction are caught by a reader between them', async () => {
    const parts = [newPart(new Random(seed), 's-1'), newPart(new Random(seed), 's-2')] as const
    await record(parts, 'append', async () => {
      for (const { streamId, elements } of parts) {
        await first().events.append(streamId, toEvents(elements))
        if (streamId === 's-1') await record([], 'append', snapshot)
      }
      return []
    })
    expect(countAnomalies(await anomalies())).toEqual({ 'G-single': 1 })
  })
})
