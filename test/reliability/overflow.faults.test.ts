import { isRillflowError } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { useFreshStore } from './support/use-fresh-store.js'
import { useServer } from './support/use-server.js'

const last = Number.MAX_SAFE_INTEGER

const server = useServer()
const fresh = useFreshStore(server, 'overflow')

async function nextPosition(position: number): Promise<void> {
  await server.pool.query(`alter sequence ${fresh.schema}.events_position_seq restart with ${position}`)
}

/** Makes a stream that has so many events, of which only the last ones are there. */
async function longStream(streamId: string, version: number): Promise<void> {
  await fresh.store.events.append(streamId, placed(1))
  await server.pool.query(`update ${fresh.schema}.streams set version = $1 where stream_id = $2`, [version, streamId])
}

const placed = (count: number): { readonly type: 'Placed'; readonly data: { readonly n: number } }[] =>
  Array.from({ length: count }, (_, n) => ({ type: 'Placed', data: { n } }))

const codeOf = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => 'appended',
    (error: unknown) => (isRillflowError(error) ? error.code : error),
  )

async function storedCount(): Promise<number> {
  const { rows } = await server.pool.query<{ n: number }>(`select count(*)::int as n from ${fresh.schema}.events`)
  return rows[0]?.n ?? 0
}

describe('R20: exact', () => {
  test.each([2 ** 31 - 2, 2 ** 32 - 2, 2 ** 40 - 2, 2 ** 53 - 12])(
    'positions across %d, in every way',
    async (start) => {
      await nextPosition(start)
      const batch = await Promise.all(['a', 'b', 'c'].map((id) => fresh.store.events.append(id, placed(2))))
      const end = start + 5
      expect(Math.max(...batch.map(({ position }) => position))).toBe(end)
      const keyed = await fresh.store.events.append('a', placed(1), { idempotencyKey: 'k' })
      expect(keyed).toMatchObject({ position: end + 1, version: 3 })
      expect(await fresh.store.events.append('a', placed(1), { idempotencyKey: 'k' })).toEqual(keyed)
      const session = fresh.store.session()
      session.events.append('d', placed(1))
      expect((await session.saveChanges()).events).toMatchObject([{ position: end + 2 }])
      expect(await fresh.store.events.waitForHead(end + 1)).toBe(end + 2)
      const positions = Array.from({ length: 8 }, (_, n) => start + n)
      const read = async (options: object): Promise<readonly number[]> => {
        const seen: number[] = []
        for await (const event of fresh.store.events.readAll({ ...options, pageSize: 3 })) seen.push(event.position)
        return seen
      }
      expect(await read({})).toEqual(positions)
      expect(await read({ direction: 'backward' })).toEqual(positions.toReversed())
      expect(await read({ after: end, filter: { streamIds: ['a', 'd'] } })).toEqual([end + 1, end + 2])
      expect(await read({ after: start + 3, filter: [{ types: ['Placed'] }, { streamPrefix: 'a' }] })).toEqual(
        positions.slice(4),
      )
    },
  )

  test('the name of who holds the head there', async () => {
    await nextPosition(2 ** 45)
    const client = await server.pool.connect()
    try {
      await client.query('begin')
      await fresh.store.transaction({ client }, (tx) => tx.events.append('open', placed(1)))
      await fresh.store.events.append('later', placed(1))
      expect(await fresh.store.events.blockers()).toMatchObject([{ floor: 2 ** 45 - 1 }])
      expect(await fresh.store.events.head()).toBe(2 ** 45 - 1)
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  test.each([2 ** 31 - 2, 2 ** 32 - 2, last - 3])('versions across %d', async (version) => {
    await longStream('long', version)
    expect(await fresh.store.events.append('long', placed(1), { expected: version })).toMatchObject({
      version: version + 1,
    })
    const batch = await Promise.all([
      fresh.store.events.append('long', placed(1)),
      fresh.store.events.append('long', placed(1), { expected: version + 2, idempotencyKey: 'k' }),
      codeOf(fresh.store.events.append('long', placed(1), { expected: version })),
    ])
    expect(batch).toMatchObject([{ version: version + 2 }, { version: version + 3 }, 'VersionConflict'])
    const events = await fresh.store.events.readStream('long', { from: version }).toArray()
    expect(events.map((event) => event.version)).toEqual([version + 1, version + 2, version + 3])
    expect(await fresh.store.events.streamInfo('long')).toMatchObject({ version: version + 3 })
  })
})

describe('R20: what cannot be exact is refused, and nothing of it is stored', () => {
  test('positions beyond 2^53 - 1', async () => {
    await nextPosition(last)
    const appends = [
      (): Promise<unknown> => fresh.store.events.append('s', placed(2)),
      (): Promise<unknown> => Promise.all(['a', 'b'].map((id) => fresh.store.events.append(id, placed(2)))),
      (): Promise<unknown> => fresh.store.transaction((tx) => tx.events.append('s', placed(2))),
      (): Promise<unknown> => {
        const session = fresh.store.session()
        session.events.append('s', placed(2), { idempotencyKey: 'k' })
        return session.saveChanges()
      },
    ]
    for (const append of appends) {
      expect(await codeOf(append())).toBe('PositionOverflow')
      expect(await storedCount()).toBe(0)
      // A sequence gives nothing back, whatever became of the statement.
      await nextPosition(last)
    }
    expect(await fresh.store.events.append('s', placed(1), { idempotencyKey: 'k' })).toMatchObject({ position: last })
    expect(await codeOf(fresh.store.events.append('s', placed(1)))).toBe('PositionOverflow')
    expect(await fresh.store.events.head()).toBe(last)
    expect(await storedCount()).toBe(1)
  })

  test('versions beyond 2^53 - 1, and those who share the statement are stored', async () => {
    await longStream('full', last)
    const outcomes = await Promise.all(
      ['a', 'full', 'b', 'full'].map((id) => codeOf(fresh.store.events.append(id, placed(1)))),
    )
    expect(outcomes).toEqual(['appended', 'PositionOverflow', 'appended', 'PositionOverflow'])
    expect(await storedCount()).toBe(3)
    expect(await fresh.store.events.streamInfo('full')).toMatchObject({ version: last })
  })

  test.each([2 ** 53, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    '%d as a place to read from or to expect',
    async (n) => {
      const invalid = expect.objectContaining({ code: 'InvalidArgument' }) as Error
      expect(() => fresh.store.events.readAll({ after: n })).toThrow(invalid)
      expect(() => fresh.store.events.readStream('s', { from: n })).toThrow(invalid)
      await expect(fresh.store.events.waitForHead(n)).rejects.toEqual(invalid)
      await expect(fresh.store.events.append('s', placed(1), { expected: n })).rejects.toEqual(invalid)
      expect(await storedCount()).toBe(0)
    },
  )
})
