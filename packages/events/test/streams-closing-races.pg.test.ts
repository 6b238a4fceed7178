import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ExpectedVersion } from '../src/index.js'
import { backendOf, inTransaction, untilBlockedBy, waitsFor } from './support/blocking.js'
import { outcomeOf, settled } from './support/outcome-of.js'
import { added, newStore, newStream, versionsOf, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore

beforeAll(async () => {
  ;({ store } = await newStore(database.pool))
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
      const id = await newStream(store, before)
      await inTransaction(database.pool, async (holder) => {
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
    const id = await newStream(store, 0)
    await inTransaction(database.pool, async (holder) => {
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
      const id = await newStream(store, 2)
      const neighbour = await newStream(store, 0)
      await inTransaction(database.pool, async (holder) => {
        await store.transaction({ client: holder }, (tx) => tx.events[close](id))
        const appending = settled(appendBy(way, { id, neighbour, expected }))
        await untilBlockedBy(database.pool, await backendOf(holder))
        await holder.query(end)
        const code = close === 'archiveStream' ? 'StreamArchived' : 'StreamTombstoned'
        if (end === 'commit') expect(await appending).toMatchObject({ code, streamId: id })
        else expect(await appending).toMatchObject({ version: 3 })
      })
      expect(await versionsOf(store, id)).toEqual(end === 'commit' ? [1, 2] : [1, 2, 3])
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
    const id = await newStream(store, 0)
    await inTransaction(database.pool, async (holder) => {
      await store.transaction({ client: holder }, (tx) => tx.events.tombstoneStream(id))
      const appending = settled(store.events.append(id, added(1), { expected: 'noStream' }))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query(end)
      expect(await appending).toMatchObject(end === 'commit' ? { code: 'StreamTombstoned' } : { version: 1 })
    })
  })

  test('two that close one stream both succeed', async () => {
    const id = await newStream(store, 1)
    await inTransaction(database.pool, async (holder) => {
      const first = await store.transaction({ client: holder }, (tx) => tx.events.archiveStream(id))
      const second = settled(store.events.archiveStream(id))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query('commit')
      expect(await second).toEqual(first)
    })
  })

  test('two that reserve one id both succeed', async () => {
    const id = await newStream(store, 0)
    await inTransaction(database.pool, async (holder) => {
      const first = await store.transaction({ client: holder }, (tx) => tx.events.tombstoneStream(id))
      const second = settled(store.events.tombstoneStream(id, { expected: 'noStream' }))
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query('commit')
      expect(await second).toEqual(first)
    })
  })
})
