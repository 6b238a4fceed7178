import { setTimeout as pause } from 'node:timers/promises'
import type { SnapshotReport } from '@rillflow/aggregates'
import { beforeEach, expect, test } from 'vitest'
import type { TakeSnapshots } from './fixtures/take-snapshots.js'
import { useWorkplace } from './fixtures/use-workplace.js'
import { withWorkers } from './fixtures/worker.js'
import { Account } from './support/account.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { deposits } from './support/snapshots/deposits.js'
import { Gate, passGate } from './support/snapshots/gate.js'
import { snapshotsOf } from './support/snapshots/snapshot-table.js'
import { onSnapshots } from './support/snapshots/snapshot-trigger.js'
import { logWrites, type WriteLog } from './support/snapshots/write-log.js'
import type { TestStore } from './support/test-store.js'

const PROCESSES = 4
const STREAMS = 240
const BATCH = 12
const workplace = useWorkplace('take-snapshots')

let store: TestStore
let schema: string
let writes: WriteLog
let ids: readonly string[]

beforeEach(async () => {
  ;({ store, schema } = await newAccountStore(workplace.pool))
  writes = await logWrites(workplace.pool, schema)
  ids = Array.from({ length: STREAMS }, (_, n) => `s-${String(n).padStart(3, '0')}`)
  // Appends take no snapshots: each stream needs one.
  await Promise.all(ids.map((id, n) => store.events.append(id, deposits(10 + (n % 7)))))
})

const job = (changes: Partial<TakeSnapshots> = {}): TakeSnapshots => ({
  url: workplace.url,
  schema,
  batch: BATCH,
  ...changes,
})

/** Every stream has its snapshot, which was written once and is the right one. */
async function expectAllOnce(): Promise<void> {
  expect((await writes()).map(({ id }) => id).toSorted()).toEqual(ids)
  const rows = await snapshotsOf(workplace.pool, schema)
  const states = ids.map((id, n) => {
    const changes = 10 + (n % 7)
    const state = { owner: '', balance: (changes * (changes + 1)) / 2, changes }
    return { aggregate: 'account', id, schemaVersion: 1, version: changes, state }
  })
  expect(rows).toEqual(states)
  expect(await store.aggregates.snapshots.backlog(Account)).toEqual({ candidates: 0, largestGap: 0 })
}

/** How many streams snapshotters have in hand, as the locks tell. */
async function countInHand(): Promise<number> {
  const { rows } = await workplace.pool.query<{ count: number }>(
    `select count(*)::int as count from pg_locks
      where locktype = 'advisory' and objsubid = 2 and mode = 'ExclusiveLock' and granted and classid <> 4712`,
  )
  return rows[0]?.count ?? 0
}

/** Waits until a number that only grows, or only falls, is what is wanted. */
async function until(count: number, look: () => Promise<number>): Promise<void> {
  for (let check = 0; check < 12_000; check += 1) {
    if ((await look()) === count) return
    await pause(5)
  }
  throw new Error(`it never came to ${count}`)
}

const countWritten = async (): Promise<number> => (await writes()).length

const sum = (reports: readonly SnapshotReport[], key: 'candidates' | 'taken'): number =>
  reports.reduce((total, report) => total + report[key], 0)

test(`${PROCESSES} processes at once do every stream once, and leave none`, async () => {
  const jobs = Array.from({ length: PROCESSES }, () => job())
  const reports = await withWorkers<SnapshotReport, readonly SnapshotReport[]>(workplace.file, jobs, (workers) =>
    Promise.all(workers.map((worker) => worker.go())),
  )
  expect({ candidates: sum(reports, 'candidates'), taken: sum(reports, 'taken') }).toEqual({
    candidates: STREAMS,
    taken: STREAMS,
  })
  expect(reports.flatMap(({ failed }) => failed)).toEqual([])
  await expectAllOnce()
})

test(`${PROCESSES} processes have batches in hand at the same time, which share no stream, and appends go on`, async () => {
  await onSnapshots(workplace.pool, schema, { name: 'wait', when: 'before insert', body: passGate })
  await using gate = await Gate.close(workplace.pool)
  const jobs = Array.from({ length: PROCESSES }, () => job())
  const reports = await withWorkers<SnapshotReport, readonly SnapshotReport[]>(
    workplace.file,
    jobs,
    async (workers) => {
      const done = workers.map((worker) => worker.go())
      await gate.untilReached(PROCESSES)
      expect(await countInHand()).toBe(PROCESSES * BATCH)
      await store.events.append('a-new-one', deposits(3))
      await Promise.all(ids.slice(0, 100).map((id) => store.events.append(id, deposits(1))))
      await gate.open()
      return Promise.all(done)
    },
  )
  expect(sum(reports, 'taken')).toBe(STREAMS)
  expect((await writes()).map(({ id }) => id).toSorted()).toEqual(ids)
  expect(await countInHand()).toBe(0)
})

test('a process that is killed in the middle leaves nothing locked, and the next run finishes', async () => {
  // In the second batch: the first one is committed then.
  const jobs = [job({ freezeAt: ids[BATCH + 5] })]
  await withWorkers<SnapshotReport, void>(workplace.file, jobs, async ([frozen]) => {
    frozen?.go().catch(() => undefined)
    await until(BATCH, countWritten)
    await until(BATCH, countInHand)
    // Whoever comes meanwhile does the others.
    expect(await store.aggregates.snapshots.takeAll(Account)).toMatchObject({ taken: STREAMS - 2 * BATCH })
    expect(await store.aggregates.snapshots.backlog(Account)).toMatchObject({ candidates: BATCH })
    await store.events.append(ids[BATCH + 7] ?? '', deposits(1))
    await frozen?.kill()
  })
  await until(0, countInHand)
  expect(await store.aggregates.snapshots.takeAll(Account)).toMatchObject({
    candidates: BATCH,
    taken: BATCH,
    failed: [],
  })
  expect((await writes()).map(({ id }) => id).toSorted()).toEqual(ids)
  expect(await store.aggregates.snapshots.backlog(Account)).toEqual({ candidates: 0, largestGap: 0 })
})
