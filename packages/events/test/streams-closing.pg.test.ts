import { isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import type { PoolClient } from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ExpectedVersion } from '../src/index.js'
import { backendOf, untilBlockedBy, waitsFor } from './blocking.js'
import { CountingPool } from './counting-pool.js'
import { added, newStore, storeOn, type TestStore } from './events-database.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeAll(async () => {
  ;({ store, schema } = await newStore(database.pool))
})

let made = 0

/** A new stream with so many events. */
async function streamOf(version: number): Promise<string> {
  made += 1
  const streamId = `s-${made}`
  if (version > 0) await store.events.append(streamId, added(version))
  return streamId
}

async function positionsOf(streamId: string, options = {}): Promise<readonly number[]> {
  const events = await store.events.readAll({ filter: { streamIds: [streamId] }, ...options }).toArray()
  return events.map((event) => event.version)
}

describe('archiving', () => {
  test('an archived stream can be read and takes no event, until it is unarchived', async () => {
    const id = await streamOf(2)
    const archived = await store.events.archiveStream(id)
    expect(archived).toMatchObject({ streamId: id, version: 2, archivedAt: expect.any(Date) as Date })
    expect(await store.events.streamInfo(id)).toEqual(archived)
    await expect(store.events.append(id, added(1))).rejects.toMatchObject({ code: 'StreamArchived' })
    expect(await store.events.readStream(id).toArray()).toHaveLength(2)
    expect(await store.events.unarchiveStream(id)).toEqual({ ...archived, archivedAt: undefined })
    expect(await store.events.append(id, added(1))).toMatchObject({ version: 3 })
  })

  test('done again it changes nothing', async () => {
    const id = await streamOf(1)
    const first = await store.events.archiveStream(id)
    await database.query(
      `update "${schema}".streams set archived_at = archived_at - interval '1 day' where stream_id = $1`,
      [id],
    )
    const second = await store.events.archiveStream(id, { expected: 1 })
    expect(second.archivedAt?.getTime()).toBe((first.archivedAt?.getTime() ?? 0) - 86_400_000)
    const open = await store.events.unarchiveStream(id)
    expect(await store.events.unarchiveStream(id)).toEqual(open)
  })

  test.each<[ExpectedVersion, boolean]>([
    ['any', true],
    ['streamExists', true],
    [2, true],
    ['noStream', false],
    [0, false],
    [1, false],
    [3, false],
  ])('expected %s of a stream at 2: %s', async (expected, fits) => {
    const id = await streamOf(2)
    const outcome = await outcomeOf(store.events.archiveStream(id, { expected }))
    expect(outcome).toEqual(fits ? 'done' : { code: 'VersionConflict', actual: 2 })
    expect((await store.events.streamInfo(id))?.archivedAt === undefined).toBe(!fits)
  })

  test.each<ExpectedVersion>(['any', 'noStream', 'streamExists', 0, 3])(
    'a stream that is not there (%s)',
    async (expected) => {
      const error = await rejectionOf(store.events.archiveStream('never', { expected }))
      expect(isRillflowError(error, 'StreamNotFound')).toBe(true)
      expect(error).toMatchObject({ streamId: 'never', retryable: false })
      expect(await store.events.streamInfo('never')).toBeUndefined()
      await expect(store.events.unarchiveStream('never')).rejects.toMatchObject({ code: 'StreamNotFound' })
    },
  )

  test.each([-1, 1.5, 'none', null])('expected %s is refused', async (expected) => {
    const id = await streamOf(1)
    const options = { expected: expected as ExpectedVersion }
    const refused = { code: 'InvalidArgument', argument: 'expected' }
    await expect(store.events.archiveStream(id, options)).rejects.toMatchObject(refused)
    await expect(store.events.tombstoneStream(id, options)).rejects.toMatchObject(refused)
  })
})

describe('tombstoning', () => {
  test('the id is never used again, and its events stay stored', async () => {
    const id = await streamOf(2)
    const ended = await store.events.tombstoneStream(id, { expected: 2 })
    expect(ended).toMatchObject({ version: 2, tombstonedAt: expect.any(Date) as Date })
    for (const expected of ['any', 'noStream', 'streamExists', 2] as const) {
      await expect(store.events.append(id, added(1), { expected })).rejects.toMatchObject({ code: 'StreamTombstoned' })
    }
    await expect(store.events.archiveStream(id)).rejects.toMatchObject({ code: 'StreamTombstoned', streamId: id })
    await expect(store.events.unarchiveStream(id)).rejects.toMatchObject({ code: 'StreamTombstoned' })
    expect(await store.events.tombstoneStream(id)).toEqual(ended)
    expect(await positionsOf(id)).toEqual([1, 2])
  })

  test('an archived stream can be tombstoned', async () => {
    const id = await streamOf(1)
    const { archivedAt } = await store.events.archiveStream(id)
    expect(await store.events.tombstoneStream(id)).toMatchObject({ archivedAt, tombstonedAt: expect.any(Date) as Date })
  })

  test.each<[ExpectedVersion, boolean]>([
    ['any', true],
    ['noStream', true],
    [0, true],
    ['streamExists', false],
    [1, false],
  ])('expected %s of an id that was never used: %s', async (expected, fits) => {
    const id = await streamOf(0)
    const reserved = { streamId: id, category: '', version: 0, archivedAt: undefined }
    if (!fits) {
      expect(await outcomeOf(store.events.tombstoneStream(id, { expected }))).toEqual({
        code: 'VersionConflict',
        actual: 0,
      })
      expect(await store.events.streamInfo(id)).toBeUndefined()
      return
    }
    expect(await store.events.tombstoneStream(id, { expected })).toMatchObject(reserved)
    expect(await store.events.tombstoneStream(id, { expected })).toMatchObject(reserved)
    await expect(store.events.append(id, added(1), { expected: 'noStream' })).rejects.toMatchObject({
      code: 'StreamTombstoned',
    })
    expect(await outcomeOf(store.events.tombstoneStream(id, { expected: 'streamExists' }))).toEqual({
      code: 'VersionConflict',
      actual: 0,
    })
  })

  test('nothing that verify would call a problem', async () => {
    expect(await store.events.verify()).toEqual([])
  })
})

describe('reading', () => {
  let open: string
  let archived: string
  let tombstoned: string

  beforeAll(async () => {
    open = await streamOf(1)
    archived = await streamOf(2)
    tombstoned = await streamOf(3)
    await store.events.archiveStream(archived)
    await store.events.tombstoneStream(tombstoned)
  })

  test('a tombstoned stream reads as one that is not there, unless it is asked for', async () => {
    expect(await store.events.readStream(tombstoned).toArray()).toEqual([])
    expect(await store.events.readStream(tombstoned, { direction: 'backward' }).toArray()).toEqual([])
    const all = await store.events.readStream(tombstoned, { tombstoned: 'include' }).toArray()
    expect(all.map((event) => event.version)).toEqual([1, 2, 3])
    const back = await store.events
      .readStream(tombstoned, { tombstoned: 'include', direction: 'backward', limit: 1 })
      .toArray()
    expect(back.map((event) => event.version)).toEqual([3])
  })

  const filters = (): readonly object[] => [
    { filter: { streamIds: [open, archived, tombstoned] } },
    { filter: [{ streamIds: [open, archived] }, { streamIds: [tombstoned] }] },
    { filter: { streamPrefix: 's-', streamIds: [open, archived, tombstoned] }, direction: 'backward' },
  ]

  test('the feed has every event unless told to leave some out', async () => {
    for (const filter of filters()) {
      const lengths = (options: object): Promise<Record<string, number>> => countByStream({ ...filter, ...options })
      expect(await lengths({})).toEqual({ [open]: 1, [archived]: 2, [tombstoned]: 3 })
      expect(await lengths({ archived: 'include', tombstoned: 'include' })).toEqual({
        [open]: 1,
        [archived]: 2,
        [tombstoned]: 3,
      })
      expect(await lengths({ archived: 'exclude' })).toEqual({ [open]: 1, [tombstoned]: 3 })
      expect(await lengths({ tombstoned: 'exclude' })).toEqual({ [open]: 1, [archived]: 2 })
      expect(await lengths({ archived: 'exclude', tombstoned: 'exclude' })).toEqual({ [open]: 1 })
    }
  })

  async function countByStream(options: object): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for await (const { streamId } of store.events.readAll({ ...options, pageSize: 2 })) {
      counts[streamId] = (counts[streamId] ?? 0) + 1
    }
    return counts
  }

  test.each(['only', true, null])('%j is no choice', (value) => {
    const choice = (argument: string): object => ({ [argument]: value })
    const refused = (argument: string): Error => expect.objectContaining({ code: 'InvalidArgument', argument }) as Error
    expect(() => store.events.readStream(open, choice('tombstoned'))).toThrow(refused('tombstoned'))
    expect(() => store.events.readAll(choice('tombstoned'))).toThrow(refused('tombstoned'))
    expect(() => store.events.readAll(choice('archived'))).toThrow(refused('archived'))
  })
})

describe('in a transaction', () => {
  test('it is undone with it, and can go on after a refusal', async () => {
    const id = await streamOf(1)
    const other = await streamOf(1)
    const failing = store.transaction(async (tx) => {
      await tx.events.archiveStream(id)
      await tx.events.tombstoneStream(other)
      await expect(tx.events.append(id, added(1))).rejects.toMatchObject({ code: 'StreamArchived' })
      await expect(tx.events.archiveStream(other)).rejects.toMatchObject({ code: 'StreamTombstoned' })
      await expect(tx.events.archiveStream('never')).rejects.toMatchObject({ code: 'StreamNotFound' })
      expect(await tx.events.readStream(other).toArray()).toEqual([])
      throw new Error('from the callback')
    })
    await expect(failing).rejects.toThrow('from the callback')
    expect(await store.events.streamInfo(id)).toMatchObject({ archivedAt: undefined })
    expect(await store.events.append(other, added(1))).toMatchObject({ version: 2 })
  })

  test('the last event and the archiving come together', async () => {
    const id = await streamOf(1)
    await store.transaction(async (tx) => {
      const { version } = await tx.events.append(id, added(1), { expected: 1 })
      await tx.events.archiveStream(id, { expected: version })
    })
    expect(await store.events.streamInfo(id)).toMatchObject({ version: 2, archivedAt: expect.any(Date) as Date })
  })
})

test('each is one named statement', async () => {
  const pool = new CountingPool(database.pool)
  const counted = storeOn(pool, schema)
  const id = await streamOf(1)
  await counted.events.archiveStream(id)
  await counted.events.unarchiveStream(id)
  await counted.events.tombstoneStream(id)
  expect(pool.take().map(({ name }) => name?.replace(/_[0-9a-f]{16}$/, ''))).toEqual([
    'rf_archive_stream',
    'rf_unarchive_stream',
    'rf_tombstone_stream',
  ])
})

describe('an append to the stream is not committed yet', () => {
  interface Race {
    readonly close: 'archiveStream' | 'tombstoneStream'
    readonly before: number
    readonly expected: ExpectedVersion
    readonly commit: unknown
    readonly rollback: unknown
  }

  const races: readonly Race[] = [
    ...(['archiveStream', 'tombstoneStream'] as const).flatMap((close) => [
      { close, before: 2, expected: 'any' as const, commit: { version: 3 }, rollback: { version: 2 } },
      { close, before: 2, expected: 2, commit: { code: 'VersionConflict', actual: 3 }, rollback: { version: 2 } },
      { close, before: 2, expected: 3, commit: { version: 3 }, rollback: { code: 'VersionConflict', actual: 2 } },
    ]),
    { close: 'tombstoneStream', before: 0, expected: 'any', commit: { version: 1 }, rollback: { version: 0 } },
    {
      close: 'tombstoneStream',
      before: 0,
      expected: 'noStream',
      commit: { code: 'VersionConflict', actual: 1 },
      rollback: { version: 0 },
    },
  ]
  const each = races.flatMap((race) => (['commit', 'rollback'] as const).map((end) => ({ ...race, end })))

  test.each(each)(
    '$close at $before, expecting $expected, then $end',
    async ({ close, before, expected, end, ...race }) => {
      const id = await streamOf(before)
      await withHolder(async (holder) => {
        await store.transaction({ client: holder }, (tx) => tx.events.append(id, added(1)))
        const closing = settled(store.events[close](id, { expected }))
        await untilBlockedBy(database.pool, await backendOf(holder))
        await holder.query(end)
        expect(await closing).toMatchObject(race[end] as object)
      })
      const closed = 'version' in (race[end] as object)
      const after = await outcomeOf(store.events.append(id, added(1)))
      const refused = { code: close === 'archiveStream' ? 'StreamArchived' : 'StreamTombstoned' }
      if (closed) expect(after).toMatchObject(refused)
      else expect(after).toBe('done')
    },
  )

  test('a stream that is not committed is not there to be archived', async () => {
    const id = await streamOf(0)
    await withHolder(async (holder) => {
      await store.transaction({ client: holder }, (tx) => tx.events.append(id, added(1)))
      const closing = settled(store.events.archiveStream(id))
      expect(await waitsFor(database.pool, await backendOf(holder), closing)).toBe(false)
      expect(await closing).toMatchObject({ code: 'StreamNotFound' })
    })
  })
})

describe('closing the stream is not committed yet', () => {
  const ways = ['alone', 'batch', 'transaction', 'session'] as const
  const modes: readonly ExpectedVersion[] = ['any', 'streamExists', 2]
  const each = (['archiveStream', 'tombstoneStream'] as const).flatMap((close) =>
    ways.flatMap((way) =>
      modes.flatMap((expected) => (['commit', 'rollback'] as const).map((end) => ({ close, way, expected, end }))),
    ),
  )

  test.each(each)(
    '$close, an append ($way) that expects $expected, then $end',
    async ({ close, way, expected, end }) => {
      const id = await streamOf(2)
      const neighbour = await streamOf(0)
      await withHolder(async (holder) => {
        await store.transaction({ client: holder }, (tx) => tx.events[close](id))
        const appending = settled(appendBy(way, { id, neighbour, expected }))
        await untilBlockedBy(database.pool, await backendOf(holder))
        await holder.query(end)
        const code = close === 'archiveStream' ? 'StreamArchived' : 'StreamTombstoned'
        if (end === 'commit') expect(await appending).toMatchObject({ code, streamId: id })
        else expect(await appending).toMatchObject({ version: 3 })
      })
      expect(await positionsOf(id)).toEqual(end === 'commit' ? [1, 2] : [1, 2, 3])
      // Only what shares a statement without sharing a fate.
      if (way === 'batch') expect(await store.events.streamInfo(neighbour)).toMatchObject({ version: 1 })
    },
  )

  async function appendBy(
    way: (typeof ways)[number],
    what: { readonly id: string; readonly neighbour: string; readonly expected: ExpectedVersion },
  ): Promise<unknown> {
    const { id, neighbour, expected } = what
    switch (way) {
      case 'alone':
        return store.events.append(id, added(1), { expected })
      case 'batch': {
        const [outcome] = await Promise.allSettled([
          store.events.append(id, added(1), { expected }),
          store.events.append(neighbour, added(1)),
        ])
        if (outcome.status === 'rejected') throw outcome.reason
        return outcome.value
      }
      case 'transaction':
        return store.transaction((tx) => tx.events.append(id, added(1), { expected }))
      case 'session': {
        const session = store.session()
        session.events.append(id, added(1), { expected })
        return (await session.saveChanges()).events[0]
      }
    }
  }

  test.each(['commit', 'rollback'] as const)('an id is reserved while its stream begins, then %s', async (end) => {
    const id = await streamOf(0)
    await withHolder(async (holder) => {
      await store.transaction({ client: holder }, (tx) => tx.events.tombstoneStream(id))
      const appending = settled(store.events.append(id, added(1), { expected: 'noStream' }))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query(end)
      expect(await appending).toMatchObject(end === 'commit' ? { code: 'StreamTombstoned' } : { version: 1 })
    })
  })

  test('two that close one stream both succeed', async () => {
    const id = await streamOf(1)
    await withHolder(async (holder) => {
      const first = await store.transaction({ client: holder }, (tx) => tx.events.archiveStream(id))
      const second = settled(store.events.archiveStream(id))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query('commit')
      expect(await second).toEqual(first)
    })
  })

  test('two that reserve one id both succeed', async () => {
    const id = await streamOf(0)
    await withHolder(async (holder) => {
      const first = await store.transaction({ client: holder }, (tx) => tx.events.tombstoneStream(id))
      const second = settled(store.events.tombstoneStream(id, { expected: 'noStream' }))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query('commit')
      expect(await second).toEqual(first)
    })
  })
})

/** Runs `work` with a connection inside a transaction. */
async function withHolder(work: (holder: PoolClient) => Promise<void>): Promise<void> {
  const holder = await database.pool.connect()
  try {
    await holder.query('begin')
    await work(holder)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

/** The result, or the error; never an unhandled rejection while the test waits for something else. */
async function settled(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error)
}

async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await settled(work)
  if (!(outcome instanceof Error)) return 'done'
  const { code, actual } = outcome as Error & { readonly code?: string; readonly actual?: number }
  return actual === undefined ? { code } : { code, actual }
}

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await settled(work)
  if (outcome instanceof Error) return outcome
  throw new Error('it was expected to reject, and did not')
}
