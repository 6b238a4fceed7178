import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventsOptions } from '@rillflow/events'
import type { Projection } from '@rillflow/projections'
import { newStore, storeOn, type TestStore } from './support/store-of.js'
import { added, tallies, tallyLines } from './support/tally.js'

const database = useDatabase({ max: 8 })

let store: TestStore
let schema: string
/** A store of its own pool sends statements ahead; on another it does not. */
let made: TestStore | undefined

async function makeStore(url: boolean, ...[list, options]: [list?: readonly Projection[], options?: EventsOptions]) {
  await made?.close()
  ;({ store, schema } = await newStore(database.pool, list ?? both, options))
  if (url) store = made = storeOn(database.url, schema, list ?? both, options)
}
const both = [tallies('inline'), tallyLines('inline')]

afterEach(() => made?.close())

describe.each([true, false])('statements are sent ahead: %s', (ahead) => {
  beforeEach(() => makeStore(ahead))

  const broken = { type: 'Broken', data: {} } as const

  /** The sum of a tally, and how often its events were handled. */
  async function projected(id: string): Promise<readonly [sum: number | undefined, lines: number]> {
    const { rowCount } = await database.query(`select from ${schema}.tally_lines where stream_id = $1`, [id])
    return [(await store.docs.tallies.get(id))?.sum, rowCount ?? 0]
  }

  describe('what writes nothing projects nothing', () => {
    test.each([false, true])('a repeated key, in a transaction: %s', async (inTransaction) => {
      const append = (n: number): Promise<unknown> => {
        const options = { idempotencyKey: 'k' }
        return inTransaction
          ? store.transaction((tx) => tx.events.append('s', [added(n)], options))
          : store.events.append('s', [added(n)], options)
      }
      const first = await append(5)
      expect(await append(5)).toEqual(first)
      await expect(append(6)).rejects.toMatchObject({ code: 'IdempotencyMismatch' })
      expect(await projected('s')).toEqual([5, 1])
    })

    test('a repeated key with the same event ids, as a session that is saved again has them', async () => {
      const append = [{ ...added(5), id: '018f0000-0000-7000-8000-000000000001' }]
      for (let turn = 0; turn < 2; turn += 1) {
        const session = store.session()
        session.events.append('s', append, { idempotencyKey: 'k' })
        await session.saveChanges()
      }
      expect(await projected('s')).toEqual([5, 1])
    })

    test('a conflict, also one that its transaction goes on after', async () => {
      await store.events.append('s', [added(1)])
      await expect(store.events.append('s', [added(2)], { expected: 7 })).rejects.toMatchObject({ actual: 1 })
      await store.transaction(async (tx) => {
        await expect(tx.events.append('s', [added(3)], { expected: 7 })).rejects.toMatchObject({ actual: 1 })
        await tx.events.append('s', [added(4)], { expected: 1 })
      })
      const session = store.session()
      // The conflict is told, and no handler is asked before.
      session.events.append('t', [broken])
      session.events.append('s', [added(5)], { expected: 7 })
      await expect(session.saveChanges()).rejects.toMatchObject({ code: 'VersionConflict' })
      expect(await projected('s')).toEqual([5, 2])
      expect(await projected('t')).toEqual([undefined, 0])
    })

    test('a transaction that is rolled back', async () => {
      const work = store.transaction(async (tx) => {
        await tx.events.append('s', [added(1)])
        expect(await tx.docs.tallies.get('s')).toMatchObject({ sum: 1 })
        throw new Error('enough')
      })
      await expect(work).rejects.toThrow('enough')
      expect(await projected('s')).toEqual([undefined, 0])
    })
  })

  describe('what cannot be projected is not stored', () => {
    test('the append is told which projection, which event, and why', async () => {
      const append = store.events.append('s', [added(1), broken])
      await expect(append).rejects.toMatchObject({
        code: 'ProjectionFailed',
        projection: 'tallies',
        eventType: 'Broken',
        streamId: 's',
        key: 's',
        cause: { message: 'a handler of the test throws' },
      })
      await expect(append).rejects.toThrow(/^The projection tallies failed on Broken, at position \d+ in stream "s": /)
      expect(await store.events.readStream('s').toArray()).toEqual([])
      expect(await projected('s')).toEqual([undefined, 0])
    })

    test('a transaction that has caught the error cannot commit', async () => {
      const work = store.transaction(async (tx) => {
        await expect(tx.events.append('s', [broken])).rejects.toMatchObject({ code: 'ProjectionFailed' })
      })
      await expect(work).rejects.toMatchObject({ code: 'TransactionAborted' })
      expect(await store.events.readStream('s').toArray()).toEqual([])
    })

    test('a session keeps what it has staged', async () => {
      const session = store.session()
      session.events.append('s', [broken])
      session.docs.tallies.store({ id: 'other', sum: 1 })
      await expect(session.saveChanges()).rejects.toMatchObject({ code: 'ProjectionFailed' })
      expect(session.pending).toBe(2)
      expect(await store.docs.tallies.get('other')).toBeUndefined()
    })

    test.each([true, false])(
      'of appends at once the guilty ones alone are refused, with group commit: %s',
      async (groupCommit) => {
        await makeStore(ahead, [tallies('inline')], { groupCommit })
        const ids = Array.from({ length: 20 }, (_, n) => `s-${n}`)
        const ends = await Promise.allSettled(
          ids.map((id, n) => store.events.append(id, n % 7 === 3 ? [added(n), broken] : [added(n)])),
        )
        expect(ends.map(({ status }) => status)).toEqual(ids.map((_, n) => (n % 7 === 3 ? 'rejected' : 'fulfilled')))
        const sums = await store.docs.tallies.getMany(ids)
        expect(sums.map((doc) => doc?.sum)).toEqual(ids.map((_, n) => (n % 7 === 3 ? undefined : n)))
        const streams = await Promise.all(ids.map((id) => store.events.readStream(id).toArray()))
        expect(streams.map(({ length }) => length)).toEqual(ids.map((_, n) => (n % 7 === 3 ? 0 : 1)))
      },
    )
  })

  test('appends of one transaction are projected one after the other, though they were sent at once', async () => {
    await store.transaction(async (tx) => {
      await Promise.all([1, 2, 3, 4].map((n) => tx.events.append('s', [added(n)])))
      await Promise.all(['a', 'b', 'c'].map((id) => tx.events.append(id, [added(1, 'shared')])))
    })
    expect((await projected('s'))[0]).toBe(10)
    expect((await projected('shared'))[0]).toBe(3)
  })

  test('an import is refused, and says what to do', async () => {
    const rows = [
      { streamId: 's', type: 'Noted' as const, data: { text: 'a' } },
      { streamId: 's', ...added(1) },
    ]
    const refused = store.events.import(rows)
    await expect(refused).rejects.toMatchObject({ code: 'ImportFailed', row: 2, cause: { code: 'ImportNotProjected' } })
    await expect(refused).rejects.toThrow(/inline: 'skip'.*rebuild/)
    expect(await store.events.import(rows, { inline: 'skip' })).toMatchObject({ events: 2 })
    expect(await projected('s')).toEqual([undefined, 0])
  })
})
