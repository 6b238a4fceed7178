import { sync } from '@rillflow/schema'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CountingProxy, type Flight } from './support/counting-proxy.js'
import { openHistoryStore, type HistoryStore } from './support/open-history-store.js'

const ids = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${kind}-${at}`)
const replaced = ids('put', 4)
const patched = ids('patch', 6)

let server: EmbeddedPostgres
let proxy: CountingProxy

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  proxy = await CountingProxy.start(server.url)
  await using store = openHistoryStore(server.url, 'trips')
  await sync(store)
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await server.stop()
})

/** Stages 20 documents (8 puts, 6 patches, 6 deletes) and 10 appends on 5 streams, which nobody else uses. */
function stage(store: HistoryStore, prefix: string): ReturnType<HistoryStore['session']> {
  const session = store.session()
  const { accounts, registers } = session.docs
  for (const id of [...ids(`${prefix}-new`, 4), ...replaced]) accounts.store({ id, balance: 1 })
  for (const id of patched) accounts.patch(id, (patch) => patch.increment('balance'))
  for (const id of ids(`${prefix}-doomed`, 6)) registers.delete(id, { expected: 1 })
  for (let at = 0; at < 10; at += 1) {
    const event = { type: 'Added', data: {} } as const
    session.events.append(`${prefix}-${at % 5}`, [event, event])
  }
  return session
}

/** Saves three sessions like that, one after the other on one connection, and gives what was sent for each. */
async function save(store: HistoryStore, name: string): Promise<readonly (readonly Flight[])[]> {
  await store.docs.accounts.putMany([...replaced, ...patched].map((id) => ({ id, balance: 0 })))
  const saves: (readonly Flight[])[] = []
  for (const prefix of ids(name, 3)) {
    await store.docs.registers.putMany(ids(`${prefix}-doomed`, 6).map((id) => ({ id, value: 'x' })))
    const session = stage(store, prefix)
    expect(session.pending).toBe(30)
    proxy.take()
    const { docs, events } = await session.saveChanges()
    saves.push(proxy.take())
    expect(docs).toHaveLength(20)
    expect(events.map(({ version }) => version)).toEqual([2, 2, 2, 2, 2, 4, 4, 4, 4, 4])
  }
  return saves
}

const sizes = (flights: readonly Flight[]): readonly number[] => flights.map((flight) => flight.length)

describe('a saved session of 20 documents and 10 appends on 5 streams', () => {
  test('is three round trips on a URL: BEGIN, all statements, COMMIT', async () => {
    await using store = openHistoryStore({ url: proxy.url, maxConnections: 1 }, 'trips', { wakeUps: false })
    const saves = await save(store, 'url')
    // Also the first one, whose statements are prepared on the way.
    expect(saves.map(sizes)).toEqual(saves.map(() => [1, 5, 1]))
  })

  test('is more where the driver takes one statement at a time: the counting sees each wait', async () => {
    const pool = new pg.Pool({ connectionString: proxy.url, max: 1 })
    pool.on('error', () => undefined)
    try {
      await using store = openHistoryStore({ pool }, 'trips', { wakeUps: false })
      const saves = await save(store, 'pool')
      expect(saves.map(sizes)).toEqual(saves.map(() => [1, 1, 1, 1, 1, 1, 1]))
    } finally {
      await pool.end()
    }
  })
})
