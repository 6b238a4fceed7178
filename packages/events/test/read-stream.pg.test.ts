import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ReadStreamOptions } from '../src/index.js'
import type { CountingPool } from './support/counting-pool.js'
import { added, newCountedStore, type TestStore } from './support/test-store.js'

const database = useDatabase()
const LENGTH = 23

let pool: CountingPool
let store: TestStore

beforeAll(async () => {
  ;({ store, pool } = await newCountedStore(database.pool))
  // Neighbours on both sides of the stream, written in between.
  for (let version = 1; version <= LENGTH; version += 1) {
    await store.events.append('read', added(1, version))
    await store.events.append('before', added(1))
    await store.events.append('sibling', added(1))
  }
})

async function iterate(streamId: string, options?: ReadStreamOptions): Promise<readonly number[]> {
  const versions: number[] = []
  for await (const event of store.events.readStream(streamId, options)) {
    expect(event).toMatchObject({ streamId, data: { n: event.version } })
    versions.push(event.version)
  }
  return versions
}

/** What must come: computed from the list of versions, step by step. */
function model(options: ReadStreamOptions): readonly number[] {
  const { from = 1, to = LENGTH, direction, limit } = options
  const all = Array.from({ length: LENGTH }, (_, index) => index + 1).filter((each) => each >= from && each <= to)
  return (direction === 'backward' ? all.toReversed() : all).slice(0, limit)
}

const ranges: readonly ReadStreamOptions[] = [
  {},
  { from: 1 },
  { from: 7 },
  { from: LENGTH },
  { from: LENGTH + 1 },
  { from: Number.MAX_SAFE_INTEGER },
  { to: 0 },
  { to: 1 },
  { to: 7 },
  { to: LENGTH + 100 },
  { from: 5, to: 9 },
  { from: 6, to: 6 },
  { from: 9, to: 5 },
]
const limits: readonly ReadStreamOptions[] = [{}, { limit: 0 }, { limit: 1 }, { limit: 10 }, { limit: LENGTH + 1 }]
const directions = ['forward', 'backward'] as const
const cases = ranges.flatMap((range) =>
  limits.flatMap((limit) => directions.map((direction) => ({ ...range, ...limit, direction }))),
)

describe('a range of a stream is what the model says', () => {
  test.each(cases)('%o', async (options) => {
    const expected = model(options)
    expect((await store.events.readStream('read', options).toArray()).map((event) => event.version)).toEqual(expected)
    for (const pageSize of [1, 2, 5, LENGTH - 1, LENGTH, LENGTH + 1, undefined]) {
      expect(await iterate('read', { ...options, pageSize })).toEqual(expected)
    }
  })
})

describe('without metadata', () => {
  test.each(cases.filter(({ limit }) => limit !== 1))('%o', async (options) => {
    const reader = store.events.readStream('read', { ...options, metadata: false })
    const expected = model(options).map((version) => ({
      type: 'Added',
      data: { n: version },
      streamId: 'read',
      version,
    }))
    expect(await reader.toArray()).toEqual(expected)
    const paged = []
    for await (const event of store.events.readStream('read', { ...options, pageSize: 4, metadata: false })) {
      paged.push(event)
    }
    expect(paged).toEqual(expected)
  })

  test('is one statement, which reads nothing else', async () => {
    pool.take()
    await store.events.readStream('read', { metadata: false }).toArray()
    const statements = pool.take()
    expect(statements).toHaveLength(1)
    expect(statements[0]?.text).not.toMatch(/headers|created_at|event_id/)
  })
})

test('a stream that does not exist has no events', async () => {
  expect(await store.events.readStream('nobody').toArray()).toEqual([])
  expect(await iterate('nobody', { direction: 'backward' })).toEqual([])
})

test('toArray is one statement, and an iteration one for each page begun', async () => {
  pool.take()
  await store.events.readStream('read').toArray()
  expect(pool.take()).toHaveLength(1)
  await iterate('read', { pageSize: 10 })
  expect(pool.take()).toHaveLength(3)
  await iterate('read', { pageSize: 10, limit: 10 })
  expect(pool.take()).toHaveLength(1)
})

test('nothing is sent before the reading begins', async () => {
  pool.take()
  const reader = store.events.readStream('read')
  expect(pool.take()).toEqual([])
  expect(await reader.toArray()).toHaveLength(LENGTH)
  expect(await reader.toArray()).toHaveLength(LENGTH)
})

test('one connection at most is lent, to fetch ahead, and none after a break or an error', async () => {
  const lent: number[] = []
  for await (const event of store.events.readStream('read', { pageSize: 5 })) {
    lent.push(pool.lent)
    // Gives the next page the time to be asked for.
    await database.query('select 1')
    lent.push(pool.lent)
    if (event.version === 7) break
  }
  expect(Math.max(...lent)).toBeLessThanOrEqual(1)
  expect(pool.lent).toBe(0)
  const failing = async (): Promise<void> => {
    for await (const event of store.events.readStream('read', { pageSize: 5 })) {
      if (event.version === 7) throw new Error('from the handler')
    }
  }
  await expect(failing()).rejects.toThrow('from the handler')
  expect(pool.lent).toBe(0)
  // All of the pool's connections can be had at once: none was forgotten.
  const clients = await Promise.all(Array.from({ length: database.pool.options.max }, () => database.pool.connect()))
  for (const client of clients) client.release()
})

test('what is appended between two pages comes with the next one', async () => {
  await store.events.append('growing', added(4))
  const versions: number[] = []
  for await (const event of store.events.readStream('growing', { pageSize: 2 })) {
    versions.push(event.version)
    if (event.version === 2) await store.events.append('growing', added(3))
  }
  expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a stream of 10,001 events is whole', async () => {
  const whole = Array.from({ length: 10_001 }, (_, index) => index + 1)
  for (let first = 1; first <= whole.length; first += 1_000) {
    await store.events.append('long', added(Math.min(1_000, whole.length - first + 1), first))
  }
  expect((await store.events.readStream('long').toArray()).map((event) => event.version)).toEqual(whole)
  expect(await iterate('long')).toEqual(whole)
  expect(await iterate('long', { direction: 'backward' })).toEqual(whole.toReversed())
})

test.each([
  ['from', { from: 0 }],
  ['from', { from: 1.5 }],
  ['from', { from: Number.NaN }],
  ['to', { to: -1 }],
  ['limit', { limit: -1 }],
  ['limit', { limit: Number.POSITIVE_INFINITY }],
  ['pageSize', { pageSize: 0 }],
  ['direction', { direction: 'sideways' as 'forward' }],
])('%s is refused in %o', (argument, options) => {
  expect(() => store.events.readStream('read', options)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument }) as Error,
  )
})
