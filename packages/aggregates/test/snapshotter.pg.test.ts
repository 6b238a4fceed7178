import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { accountWith } from './support/snapshots/account-with.js'
import { deposits } from './support/snapshots/deposits.js'
import { putSnapshot, snapshotsOf } from './support/snapshots/snapshot-table.js'
import { onSnapshots } from './support/snapshots/snapshot-trigger.js'
import { logWrites, type WriteLog } from './support/snapshots/write-log.js'
import type { TestStore } from './support/test-store.js'

const database = useDatabase()
const policy = { every: 10, version: 1 }

let store: TestStore
let schema: string
let writes: WriteLog

beforeEach(async () => {
  ;({ store, schema } = await newAccountStore(database.pool))
  writes = await logWrites(database.pool, schema)
})

/** Streams with so many events each, and no snapshots: appends take none. */
async function streamsOf(lengths: Readonly<Record<string, number>>): Promise<void> {
  await Promise.all(Object.entries(lengths).map(([id, length]) => store.events.append(id, deposits(length))))
}

const seven = { a: 10, b: 11, c: 25, d: 12, e: 13, f: 14, g: 15 }
const taken = async (): Promise<readonly string[]> => (await writes()).map(({ id, version }) => `${id} ${version}`)

describe('the backlog', () => {
  test('counts the streams with as many events behind their snapshot as the threshold, and tells the most', async () => {
    const { snapshots } = store.aggregates
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 0, largestGap: 0 })
    await streamsOf({ a: 9, b: 10, c: 11, d: 35 })
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 3, largestGap: 35 })
    expect(await snapshots.backlog(Account, { threshold: 11 })).toEqual({ candidates: 2, largestGap: 35 })
    expect(await snapshots.backlog(Account, { threshold: 1 })).toEqual({ candidates: 4, largestGap: 35 })
    expect(await snapshots.backlog(Account, { threshold: 36 })).toEqual({ candidates: 0, largestGap: 0 })
    await snapshots.takeAll(Account)
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 0, largestGap: 0 })
    await store.events.append('b', deposits(10))
    await store.events.append('d', deposits(12))
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 2, largestGap: 12 })
    expect(await snapshots.backlog(accountWith({ snapshot: { every: 10, version: 2 } }))).toEqual({
      candidates: 3,
      largestGap: 47,
    })
    expect(await snapshots.backlog(accountWith({ snapshot: policy }, 'ledger'))).toEqual({
      candidates: 3,
      largestGap: 47,
    })
  })

  test('leaves out tombstoned streams, other categories, and streams in the hands of newer code', async () => {
    await streamsOf({ a: 10, gone: 20, newer: 30 })
    await store.events.append('elsewhere', deposits(40), { category: 'other' })
    await store.events.tombstoneStream('gone')
    await store.events.archiveStream('a')
    const row = { aggregate: 'account', schemaVersion: 2, state: {} }
    await putSnapshot(database.pool, schema, { ...row, id: 'newer', version: 5 })
    const { snapshots } = store.aggregates
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 1, largestGap: 10 })
    const report = await snapshots.takeAll(Account, { threshold: 1 })
    expect(report).toMatchObject({ candidates: 1, taken: 1, largestGap: 10, failed: [] })
    expect(await snapshotsOf(database.pool, schema)).toMatchObject([
      { id: 'a', schemaVersion: 1, version: 10, state: { balance: 55 } },
      { id: 'newer', schemaVersion: 2, version: 5, state: {} },
    ])
  })
})

describe('taking', () => {
  test('a batch does so many streams, in the order of their ids', async () => {
    await streamsOf({ ...seven, short: 9 })
    const reports = []
    for (let turn = 0; turn < 4; turn += 1) {
      reports.push(await store.aggregates.snapshots.takeBatch(Account, { batch: 3 }))
    }
    expect(reports).toMatchObject([
      { candidates: 3, taken: 3, largestGap: 25, failed: [] },
      { candidates: 3, taken: 3, largestGap: 14, failed: [] },
      { candidates: 1, taken: 1, largestGap: 15, failed: [] },
      { candidates: 0, taken: 0, largestGap: 0, failed: [] },
    ])
    expect(await taken()).toEqual(['a 10', 'b 11', 'c 25', 'd 12', 'e 13', 'f 14', 'g 15'])
  })

  test.each([1, 2, 7, 8])('all are done in batches of %i, each once', async (batch) => {
    await streamsOf({ ...seven, short: 9 })
    const report = await store.aggregates.snapshots.takeAll(Account, { batch })
    expect(report).toMatchObject({ candidates: 7, taken: 7, largestGap: 25, failed: [] })
    expect(await taken()).toEqual(['a 10', 'b 11', 'c 25', 'd 12', 'e 13', 'f 14', 'g 15'])
    expect(await store.aggregates.snapshots.takeAll(Account, { batch })).toMatchObject({ candidates: 0, taken: 0 })
    for (const [id, length] of Object.entries(seven)) {
      const { state, version } = await store.aggregates.load(Account, id)
      expect({ version, balance: state.balance }).toEqual({ version: length, balance: (length * (length + 1)) / 2 })
    }
  })

  test('only streams beyond the threshold are done', async () => {
    await streamsOf({ a: 4, b: 5, c: 6 })
    const report = await store.aggregates.snapshots.takeAll(Account, { threshold: 5 })
    expect(report).toMatchObject({ candidates: 2, taken: 2, largestGap: 6, failed: [] })
    expect(await taken()).toEqual(['b 5', 'c 6'])
  })

  test('a new shape of the state replaces the snapshots of the old one', async () => {
    await streamsOf({ a: 10, b: 20 })
    await store.aggregates.snapshots.takeAll(Account)
    const newShape = accountWith({ snapshot: { every: 10, version: 2 } })
    const report = await store.aggregates.snapshots.takeAll(newShape)
    expect(report).toMatchObject({ candidates: 2, taken: 2, largestGap: 20, failed: [] })
    expect(await snapshotsOf(database.pool, schema)).toMatchObject([
      { id: 'a', schemaVersion: 2, version: 10 },
      { id: 'b', schemaVersion: 2, version: 20 },
    ])
    // The old code, running still, lets them be.
    expect(await store.aggregates.snapshots.takeAll(Account)).toMatchObject({ candidates: 0, taken: 0 })
  })

  test.each([
    { where: 'beyond the stream', version: 1_000 },
    { where: 'at its head', version: 25 },
    { where: 'on the way', version: 20 },
  ])('a snapshot of a stream that was lost, $where, is written over', async ({ version }) => {
    await streamsOf({ a: 25 })
    const lost = { aggregate: 'account', id: 'a', schemaVersion: 1, version, state: { balance: 7 }, lost: true }
    await putSnapshot(database.pool, schema, lost)
    const { snapshots } = store.aggregates
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 1, largestGap: 25 })
    expect(await snapshots.takeAll(Account)).toMatchObject({ candidates: 1, taken: 1, largestGap: 25, failed: [] })
    expect(await snapshotsOf(database.pool, schema)).toMatchObject([{ version: 25, state: { balance: 325 } }])
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 0, largestGap: 0 })
  })

  test('a snapshot that the schema of the state refuses is taken anew when the stream is a candidate again', async () => {
    await streamsOf({ a: 25 })
    await putSnapshot(database.pool, schema, {
      aggregate: 'account',
      id: 'a',
      schemaVersion: 1,
      version: 12,
      state: 'garbage',
    })
    const careful = accountWith({ snapshot: { ...policy, schema: refusing('garbage') } })
    expect(await store.aggregates.snapshots.takeAll(careful)).toMatchObject({ candidates: 1, taken: 1 })
    expect(await snapshotsOf(database.pool, schema)).toMatchObject([{ version: 25, state: { balance: 325 } }])
  })
})

describe('what fails', () => {
  const poisoned = accountWith({
    evolve: {
      ...Account.evolve,
      Withdrawn: (account, { data }) => {
        if (data.amount === 1) throw new Error('no state')
        return { ...account, balance: Number.NaN }
      },
    },
    snapshot: policy,
  })

  async function poison(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await store.events.append(id, [{ type: 'Withdrawn', data: { amount: 1 } }])
  }

  test.each([1, 100])('is reported once each, in batches of %i, and keeps nobody from theirs', async (batch) => {
    await streamsOf(seven)
    await poison('a', 'c', 'g')
    await store.events.append('e', [{ type: 'Withdrawn', data: { amount: 2 } }])
    await database.query(`update "${schema}".streams set version = version + 5 where stream_id = 'f'`)
    await database.query(`insert into "${schema}".events
        (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select stream_no, version, stream_id, category, 'Deposited', 1, '{"amount": 1}', gen_random_uuid()
        from "${schema}".streams where stream_id = 'f'`)
    const report = await store.aggregates.snapshots.takeAll(poisoned, { batch })
    expect(report).toMatchObject({ candidates: 7, taken: 2, largestGap: 26 })
    expect(report.failed.map(({ id, error }) => [id, error.code])).toEqual([
      ['a', 'EvolveFailed'],
      ['c', 'EvolveFailed'],
      ['e', 'UnstorableValue'],
      ['f', 'InvalidState'],
      ['g', 'EvolveFailed'],
    ])
    expect(await taken()).toEqual(['b 11', 'd 12'])
    const again = await store.aggregates.snapshots.takeAll(poisoned, { batch })
    expect(again).toMatchObject({ candidates: 5, taken: 0 })
    expect(again.failed).toHaveLength(5)
  })

  test('a batch behind the last one comes past those that fail each time', async () => {
    await streamsOf(seven)
    await poison('a', 'b')
    const first = await store.aggregates.snapshots.takeBatch(poisoned, { batch: 2 })
    expect(first).toMatchObject({ candidates: 2, taken: 0, last: 'b' })
    expect(await store.aggregates.snapshots.takeBatch(poisoned, { batch: 2 })).toMatchObject({ taken: 0, last: 'b' })
    const next = await store.aggregates.snapshots.takeBatch(poisoned, { batch: 2, after: first.last })
    expect(next).toMatchObject({ candidates: 2, taken: 2, last: 'd' })
    expect(await taken()).toEqual(['c 25', 'd 12'])
  })

  test('an event that the aggregate does not know is the stream’s own trouble', async () => {
    await streamsOf({ a: 10, b: 10 })
    await store.events.append('a', [{ type: 'Opened', data: { owner: 'ada' } }])
    const { Opened: _, ...rest } = Account.evolve
    const narrow = { ...accountWith({ snapshot: policy }), evolve: rest as typeof Account.evolve }
    const report = await store.aggregates.snapshots.takeAll(narrow)
    expect(report.failed.map(({ id, error }) => [id, error.code])).toEqual([['a', 'UnknownEventType']])
    expect(await taken()).toEqual(['b 10'])
  })

  test('what is wrong with the database ends the run with its error, and its batch is as before', async () => {
    await streamsOf(seven)
    const body = `if new.stream_id = 'f' then raise exception 'full' using errcode = 'P4711'; end if;`
    await onSnapshots(database.pool, schema, { name: 'refuse', when: 'before insert', body })
    const work = store.aggregates.snapshots.takeAll(Account, { batch: 2 })
    await expect(work).rejects.toMatchObject({ sqlState: 'P4711' })
    expect(await taken()).toEqual(['a 10', 'b 11', 'c 25', 'd 12'])
  })

  test('counts that make no sense are refused', async () => {
    const { snapshots } = store.aggregates
    for (const argument of ['threshold', 'batch']) {
      for (const value of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
        const refusal = { code: 'InvalidArgument', argument }
        await expect(snapshots.takeAll(Account, { [argument]: value })).rejects.toMatchObject(refusal)
        await expect(snapshots.takeBatch(Account, { [argument]: value })).rejects.toMatchObject(refusal)
      }
    }
    // Each stream in hand is a lock of the server.
    const tooMany = { code: 'InvalidArgument', argument: 'batch' }
    await expect(snapshots.takeAll(Account, { batch: 1_001 })).rejects.toMatchObject(tooMany)
    await expect(snapshots.backlog(Account, { threshold: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' })
  })

  test('an aggregate without a policy has nothing to take', async () => {
    const plain = accountWith({})
    const refusal = { code: 'InvalidArgument', argument: 'aggregate' }
    await expect(store.aggregates.snapshots.takeAll(plain)).rejects.toMatchObject(refusal)
    await expect(store.aggregates.snapshots.takeBatch(plain)).rejects.toMatchObject(refusal)
    await expect(store.aggregates.snapshots.backlog(plain)).rejects.toMatchObject(refusal)
  })
})

describe('the end', () => {
  test('a signal that was aborted before leaves all as it is', async () => {
    await streamsOf(seven)
    const signal = AbortSignal.abort()
    const nothing = { candidates: 0, taken: 0, largestGap: 0, last: undefined, failed: [] }
    expect(await store.aggregates.snapshots.takeBatch(Account, { signal })).toEqual(nothing)
    expect(await store.aggregates.snapshots.takeAll(Account, { signal })).toEqual(nothing)
    expect(await taken()).toEqual([])
  })

  test('a signal ends the work behind the batch that is under way', async () => {
    await streamsOf(seven)
    const stop = new AbortController()
    const stopping = accountWith({
      evolve: {
        ...Account.evolve,
        Deposited: (account, event) => {
          if (event.streamId === 'c') stop.abort()
          return Account.evolve.Deposited(account, event)
        },
      },
      snapshot: policy,
    })
    const report = await store.aggregates.snapshots.takeAll(stopping, { batch: 2, signal: stop.signal })
    expect(report).toMatchObject({ candidates: 4, taken: 4 })
    expect(await taken()).toEqual(['a 10', 'b 11', 'c 25', 'd 12'])
  })

  test('comes although appends go on all the time', async () => {
    await streamsOf(seven)
    let ended = false
    const goOn = (): boolean => !ended
    const writer = async (): Promise<void> => {
      while (goOn()) await Promise.all(Object.keys(seven).map((id) => store.events.append(id, deposits(10))))
    }
    const writing = writer()
    const report = await store.aggregates.snapshots.takeAll(Account, { batch: 1 })
    ended = true
    await writing
    expect(report).toMatchObject({ candidates: 7, taken: 7, failed: [] })
    expect((await writes()).map(({ id }) => id)).toEqual(Object.keys(seven))
  })

  test('comes although for each snapshot there is one more stream that needs one', async () => {
    await streamsOf({ 'a-0': 10 })
    // As another process would that begins streams as fast as this one takes snapshots, with ids that rise in time.
    await onSnapshots(database.pool, schema, {
      name: 'begin_another',
      when: 'after insert',
      body: `
        insert into "${schema}".streams (stream_id, category, version) values (new.stream_id || '0', 'account', 10);
        insert into "${schema}".events
            (stream_no, version, stream_id, category, type, schema_version, data, event_id)
          select t.stream_no, n, t.stream_id, t.category, 'Deposited', 1, '{"amount": 1}', gen_random_uuid()
            from "${schema}".streams t, generate_series(1, 10) n where t.stream_id = new.stream_id || '0';`,
    })
    const { snapshots } = store.aggregates
    const report = await snapshots.takeAll(Account, { batch: 1, signal: enough(50) })
    expect(report).toMatchObject({ candidates: 1, taken: 1, largestGap: 10, failed: [] })
    expect(await snapshots.backlog(Account)).toEqual({ candidates: 1, largestGap: 10 })
  })
})

/** Is aborted as soon as it was looked at so often. */
function enough(looks: number): AbortSignal {
  let left = looks
  return new Proxy(new AbortController().signal, {
    get(signal, key) {
      if (key === 'aborted') {
        left -= 1
        return left < 0
      }
      return Reflect.get(signal, key, signal) as unknown
    },
  })
}

/** A schema that takes whatever is not this value. */
function refusing(value: unknown): NonNullable<Parameters<typeof accountWith>[0]['snapshot']>['schema'] {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (given) => (given === value ? { issues: [{ message: 'refused' }] } : { value: given }),
    },
  }
}
