import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from './support/blocking.js'
import { added, newStore, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeEach(async () => {
  ;({ store, schema } = await newStore(database.pool))
  await store.events.append('kept', added(3))
  await store.events.append('ended', added(2))
})

async function streamsStored(): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>(
    `select distinct stream_id as id from "${schema}".events order by 1`,
  )
  return rows.map(({ id }) => id)
}

async function erase(streamId: string): Promise<number> {
  const { rows } = await database.query<{ n: string }>(`select "${schema}".erase_events($1) as n`, [streamId])
  return Number(rows[0]?.n)
}

const refused = expect.objectContaining({ code: 'RF001' }) as Error

describe('events cannot be changed', () => {
  test.each([
    ['update', `update "$".events set data = '{}'`],
    ['an update of no row', `update "$".events set data = '{}' where position < 0`],
    ['delete', `delete from "$".events where stream_id = 'ended'`],
    ['truncate', `truncate "$".events`],
    ['truncate by cascade', `truncate "$".streams, "$".events cascade`],
    [
      'insert on conflict',
      `insert into "$".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
        select stream_no, version, stream_id, category, type, schema_version, data, event_id from "$".events
        on conflict (stream_no, version) do update set data = '{}'`,
    ],
  ])('by %s', async (_, text) => {
    await expectRefused(text)
  })

  test('by merge, which servers have from 15 on', async ({ skip }) => {
    const { rows } = await database.query<{ number: string }>(`select current_setting('server_version_num') as number`)
    if (Number(rows[0]?.number) < 150_000) skip()
    await expectRefused(
      `merge into "$".events e using "$".streams s on s.stream_no = e.stream_no when matched then delete`,
    )
  })

  async function expectRefused(text: string): Promise<void> {
    await expect(database.query(text.replaceAll('$', schema))).rejects.toEqual(refused)
    expect(await streamsStored()).toEqual(['ended', 'kept'])
    expect((await store.events.readStream('kept').toArray()).map((event) => event.data)).toEqual(
      added(3).map((event) => event.data),
    )
  }

  test('also where triggers of the user come first, and in a transaction that can go on', async () => {
    await store.transaction(async (tx) => {
      await tx.sql`savepoint before`
      const deletion = tx.sql([`delete from "${schema}".events`] as unknown as TemplateStringsArray)
      await expect(deletion).rejects.toMatchObject({ code: 'DatabaseError', sqlState: 'RF001' })
      await tx.sql`rollback to savepoint before`
      await tx.events.append('kept', added(1, 4))
    })
    expect(await store.events.readStream('kept').toArray()).toHaveLength(4)
  })
})

describe('erase_events', () => {
  test('deletes the events of a tombstoned stream alone, and its id stays taken', async () => {
    await database.query(`update "${schema}".streams set tombstoned_at = now() where stream_id = 'ended'`)
    expect(await erase('ended')).toBe(2)
    expect(await streamsStored()).toEqual(['kept'])
    await expect(store.events.append('ended', added(1))).rejects.toMatchObject({ code: 'StreamTombstoned' })
    expect(await store.events.verify()).toEqual([])
    expect((await store.events.readAll().toArray()).map((event) => event.streamId)).toEqual(['kept', 'kept', 'kept'])
  })

  test.each(['kept', 'ended', 'nowhere'])('deletes nothing of %s, which is not tombstoned', async (streamId) => {
    await database.query(`update "${schema}".streams set archived_at = now() where stream_id = 'ended'`)
    expect(await erase(streamId)).toBe(0)
    expect(await streamsStored()).toEqual(['ended', 'kept'])
  })

  test('opens the door for itself alone: the rest of its transaction is guarded', async () => {
    await inTransaction(database.pool, async (client) => {
      await client.query(`select "${schema}".erase_events('kept')`)
      await expect(client.query(`delete from "${schema}".events`)).rejects.toEqual(refused)
    })
  })
})
