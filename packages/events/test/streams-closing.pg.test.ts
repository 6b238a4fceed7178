import { isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ExpectedVersion } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { outcomeOf, rejectionOf } from './support/outcome-of.js'
import { added, newStore, newStream, storeOn, versionsOf, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeAll(async () => {
  ;({ store, schema } = await newStore(database.pool))
})

describe('archiving', () => {
  test('an archived stream can be read and takes no event, until it is unarchived', async () => {
    const id = await newStream(store, 2)
    const archived = await store.events.archiveStream(id)
    expect(archived).toMatchObject({ streamId: id, version: 2, archivedAt: expect.any(Date) as Date })
    expect(await store.events.streamInfo(id)).toEqual(archived)
    await expect(store.events.append(id, added(1))).rejects.toMatchObject({ code: 'StreamArchived' })
    expect(await store.events.readStream(id).toArray()).toHaveLength(2)
    expect(await store.events.unarchiveStream(id)).toEqual({ ...archived, archivedAt: undefined })
    expect(await store.events.append(id, added(1))).toMatchObject({ version: 3 })
  })

  test('done again it changes nothing', async () => {
    const id = await newStream(store, 1)
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
    const id = await newStream(store, 2)
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
    const id = await newStream(store, 1)
    const options = { expected: expected as ExpectedVersion }
    const refused = { code: 'InvalidArgument', argument: 'expected' }
    await expect(store.events.archiveStream(id, options)).rejects.toMatchObject(refused)
    await expect(store.events.tombstoneStream(id, options)).rejects.toMatchObject(refused)
  })
})

describe('tombstoning', () => {
  test('the id is never used again, and its events stay stored', async () => {
    const id = await newStream(store, 2)
    const ended = await store.events.tombstoneStream(id, { expected: 2 })
    expect(ended).toMatchObject({ version: 2, tombstonedAt: expect.any(Date) as Date })
    for (const expected of ['any', 'noStream', 'streamExists', 2] as const) {
      await expect(store.events.append(id, added(1), { expected })).rejects.toMatchObject({ code: 'StreamTombstoned' })
    }
    await expect(store.events.archiveStream(id)).rejects.toMatchObject({ code: 'StreamTombstoned', streamId: id })
    await expect(store.events.unarchiveStream(id)).rejects.toMatchObject({ code: 'StreamTombstoned' })
    expect(await store.events.tombstoneStream(id)).toEqual(ended)
    expect(await versionsOf(store, id)).toEqual([1, 2])
  })

  test('an archived stream can be tombstoned', async () => {
    const id = await newStream(store, 1)
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
    const id = await newStream(store, 0)
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
    open = await newStream(store, 1)
    archived = await newStream(store, 2)
    tombstoned = await newStream(store, 3)
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
    const id = await newStream(store, 1)
    const other = await newStream(store, 1)
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
    const id = await newStream(store, 1)
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
  const id = await newStream(store, 1)
  await counted.events.archiveStream(id)
  await counted.events.unarchiveStream(id)
  await counted.events.tombstoneStream(id)
  expect(pool.take().map(({ name }) => name?.replace(/_[0-9a-f]{16}$/, ''))).toEqual([
    'rf_archive_stream',
    'rf_unarchive_stream',
    'rf_tombstone_stream',
  ])
})
