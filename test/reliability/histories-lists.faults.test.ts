import { randomUUID } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { countAnomalies, type Anomaly } from './support/anomaly.js'
import { barrier } from './support/barrier.js'
import { checkFeed } from './support/check-feed.js'
import { checkLists, type ListPart, type ListTransaction } from './support/check-lists.js'
import { Random } from './support/children/random.mjs'
import type { RecordedEvent } from './support/history.js'
import { attempt } from './support/known-outcome.js'
import type { HistoryStore } from './support/open-history-store.js'
import { readStored } from './support/read-stored.js'
import { historyTimeout, pickTwo, useHistories } from './support/use-histories.js'
import { countProblems } from './support/violation.js'

const clients = useHistories()
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
  const { rows } = await clients.pool.query<{ streamId: string; elements: string[] }>(
    `select stream_id as "streamId", array_agg(event_id::text order by version) as elements
    from ${clients.schema}.events group by stream_id`,
  )
  return streams.map((streamId) => rows.find((row) => row.streamId === streamId) ?? { streamId, elements: [] })
}

async function record(appends: readonly ListPart[], call: () => Promise<readonly ListPart[]>): Promise<void> {
  const name = `t-${transactions.length + 1}`
  const { outcome, result = [] } = await attempt(call)
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
  await record(parts, async () => {
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
  if (choice < 0.15) return record([], async () => [await read(store, pair[0])])
  if (choice < 0.25) return record([], snapshot)
  if (choice < 0.35) {
    const { result } = await attempt(() => store.events.readAll({ pageSize: 10_000 }).toArray())
    return void (result === undefined ? undefined : feeds.push(result))
  }
  if (choice < 0.55) {
    const part = newPart(random, pair[0])
    return record([part], async () => {
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

test(
  'R11: no G0, G1, G-single, G2-item in what is appended, while connections end',
  async () => {
    await clients.check({
      name: 'lists',
      turn,
      history: async () => {
        const { events } = await readStored(clients.pool, clients.schema)
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
      },
    })
  },
  historyTimeout,
)

test.each([true, false])('R11: of two that read the same streams one is refused (session: %s)', async (isSession) => {
  const haveRead = barrier(2)
  const random = new Random(clients.seed)
  await Promise.all(
    [1, 2].map((at) => {
      const parts = [newPart(random, 's-1'), newPart(random, 's-2')]
      return appendToBoth({ store: clients.store(at), parts, isSession, haveRead })
    }),
  )
  expect(transactions.map(({ outcome }) => outcome).toSorted()).toEqual(['ok', 'refused'])
  expect(countAnomalies(await anomalies())).toEqual({})
})

test('R11: two that read both streams and each append to one without expected versions are caught', async () => {
  const haveRead = barrier(2)
  const random = new Random(clients.seed)
  await Promise.all(
    [clients.store(1), clients.store(2)].map((store, at) => {
      const part = newPart(random, streams[at] as string)
      return record([part], async () => {
        const seen = [await read(store, 's-1'), await read(store, 's-2')]
        await haveRead()
        await store.events.append(part.streamId, toEvents(part.elements))
        return seen
      })
    }),
  )
  expect(countAnomalies(await anomalies())).toEqual({ 'G2-item': 2 })
})

test('R11: two appends to two streams that are not in one transaction are caught by a reader between them', async () => {
  const parts = [newPart(new Random(clients.seed), 's-1'), newPart(new Random(clients.seed), 's-2')] as const
  await record(parts, async () => {
    for (const { streamId, elements } of parts) {
      await clients.store(0).events.append(streamId, toEvents(elements))
      if (streamId === 's-1') await record([], snapshot)
    }
    return []
  })
  expect(countAnomalies(await anomalies())).toEqual({ 'G-single': 1 })
})
