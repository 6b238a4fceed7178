import { internalsOf, isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { appendMany, type AppendOutcome } from '../src/append/append-events.js'
import { prepareAppend, type AppendOptions } from '../src/append/prepare-append.js'
import { EventRegistry } from '../src/definitions/event-registry.js'
import { CountingPool } from './support/counting-pool.js'
import { added, families, newStore, storeOn, type TestStore } from './support/test-store.js'

const database = useDatabase()
const registry = new EventRegistry(families, 'throw')

type Wanted = readonly [streamId: string, count: number, options?: AppendOptions]

async function appendAll(
  { store, schema }: { store: TestStore; schema: string },
  wanted: readonly Wanted[],
): Promise<readonly AppendOutcome[]> {
  const appends = await Promise.all(
    wanted.map(([streamId, count, options = {}]) =>
      prepareAppend(registry, { streamId, events: added(count), options, context: {} }),
    ),
  )
  return appendMany(internalsOf(store).connection, { schema, appends, notify: false, inTransaction: false })
}

/** What is told of an outcome: its stream and version, or its code and actual version. */
function brief(outcome: AppendOutcome): unknown {
  if (!isRillflowError(outcome)) return [outcome.streamId, outcome.version]
  return [outcome.code, (outcome as unknown as { actual?: number }).actual]
}

async function written({ store }: { store: TestStore }): Promise<Record<string, readonly number[]>> {
  const versions: Record<string, number[]> = {}
  for (const event of await store.events.readAll().toArray()) (versions[event.streamId] ??= []).push(event.version)
  return versions
}

test('gives an outcome for each append, in the order of the appends and not of the streams', async () => {
  const opened = await newStore(database.pool)
  const outcomes = await appendAll(opened, [
    ['c', 1],
    ['a', 3],
    ['b', 2],
  ])
  expect(outcomes.map(brief)).toEqual([
    ['c', 1],
    ['a', 3],
    ['b', 2],
  ])
  // Positions rise with the versions, so the model per stream is what readAll gives.
  expect(await written(opened)).toEqual({ a: [1, 2, 3], b: [1, 2], c: [1] })
  const events = await opened.store.events.readAll().toArray()
  for (const outcome of outcomes) {
    if (isRillflowError(outcome)) throw outcome
    const last = events.findLast((event) => event.streamId === outcome.streamId)
    expect(outcome).toMatchObject({ position: last?.position, version: last?.version })
    expect(outcome.eventIds).toEqual(
      events.filter((event) => event.streamId === outcome.streamId).map((event) => event.id),
    )
  }
})

test('a conflict in the middle leaves the others', async () => {
  const opened = await newStore(database.pool)
  await opened.store.events.append('b', added(2))
  const outcomes = await appendAll(opened, [
    ['a', 1, { expected: 'noStream' }],
    ['b', 1, { expected: 7 }],
    ['c', 1],
    ['d', 1, { expected: 'streamExists' }],
    ['b', 1, { expected: 2 }],
  ])
  expect(outcomes.map(brief)).toEqual([
    ['a', 1],
    ['VersionConflict', 2],
    ['c', 1],
    ['VersionConflict', 0],
    ['b', 3],
  ])
  expect(await written(opened)).toEqual({ a: [1], b: [1, 2, 3], c: [1] })
})

test('the same stream twice: the second append finds what the first one made', async () => {
  const opened = await newStore(database.pool)
  const outcomes = await appendAll(opened, [
    ['s', 2, { expected: 'noStream' }],
    ['other', 1],
    ['s', 3, { expected: 2 }],
    ['s', 1, { expected: 2 }],
    ['s', 1],
  ])
  expect(outcomes.map(brief)).toEqual([
    ['s', 2],
    ['other', 1],
    ['s', 5],
    ['VersionConflict', 5],
    ['s', 6],
  ])
  expect(await written(opened)).toEqual({ s: [1, 2, 3, 4, 5, 6], other: [1] })
})

test('unsorted batches at once never deadlock', async () => {
  const { schema, store } = await newStore(database.pool)
  const pool = new CountingPool(database.pool)
  const counted = { schema, store: storeOn(pool, schema) }
  const streams = Array.from({ length: 20 }, (_, index) => `s-${String(index).padStart(2, '0')}`)
  const batches = Array.from({ length: 40 }, (_, turn) => (turn % 2 === 0 ? streams : streams.toReversed()))
  const outcomes = await Promise.all(
    batches.map((batch) =>
      appendAll(
        counted,
        batch.map((id) => [id, 1]),
      ),
    ),
  )
  expect(outcomes.flat().filter((outcome) => isRillflowError(outcome))).toEqual([])
  // A deadlocked batch is run again, so the outcomes alone do not tell.
  expect(pool.take()).toHaveLength(batches.length)
  const versions = await written({ store })
  expect(Object.keys(versions).toSorted()).toEqual(streams)
  for (const list of Object.values(versions)) {
    expect(list).toEqual(Array.from({ length: batches.length }, (_, index) => index + 1))
  }
})

test('positions rise with the versions within each stream, in large batches too', async () => {
  const opened = await newStore(database.pool)
  await appendAll(
    opened,
    Array.from({ length: 60 }, (_, index): Wanted => [`s-${(index * 7) % 13}`, 40]),
  )
  const versions = await written(opened)
  expect(Object.keys(versions)).toHaveLength(13)
  for (const list of Object.values(versions)) {
    expect(list).toEqual(Array.from({ length: list.length }, (_, index) => index + 1))
  }
})
