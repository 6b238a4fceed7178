import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FaultyProxy } from '../../../test/reliability/support/faulty-proxy.js'
import { newStore, storeOn, type TestStore } from './support/store-of.js'
import { added, tallies } from './support/tally.js'

let server: EmbeddedPostgres
let direct: pg.Pool
let proxy: FaultyProxy
let pool: pg.Pool
/** On the server itself, to look at what became of things. */
let truth: TestStore
let store: TestStore

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  direct = openPool(server.url)
})
afterAll(async () => {
  await direct.end()
  await server.stop()
})

beforeEach(async () => {
  proxy = await FaultyProxy.start(server.url)
  const made = await newStore(direct, [tallies('inline')])
  truth = made.store
  pool = openPool(proxy.url)
  store = storeOn(pool, made.schema, [tallies('inline')])
  // A connection that is made already.
  await store.events.head()
})
afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  await pool.end()
})

function openPool(url: string): pg.Pool {
  const made = new pg.Pool({ connectionString: url, max: 4 })
  made.on('error', () => undefined)
  made.on('connect', (client) => void client.on('error', () => undefined))
  return made
}

/** How often each of these streams has its event, and what is projected of it. */
async function stored(
  ids: readonly string[],
): Promise<readonly (readonly [events: number, sum: number | undefined])[]> {
  return Promise.all(
    ids.map(async (id) => {
      const events = await truth.events.readStream(id).toArray()
      return [events.length, (await truth.docs.tallies.get(id))?.sum] as const
    }),
  )
}

const ids = ['a', 'b', 'c']
const commit = /^Q....commit/s

describe.each([
  ['a lone append', ['a']],
  ['a batch', ids],
])('%s', (_, chosen) => {
  const appendAll = (): Promise<readonly PromiseSettledResult<{ readonly version: number }>[]> =>
    Promise.allSettled(chosen.map((id) => store.events.append(id, [added(1)])))

  test('cut between its COMMIT and the answer: the original result, and it is projected', async () => {
    proxy.arm('reply', commit)
    const ends = await appendAll()
    expect(proxy.armed, 'the fault has struck').toBe(false)
    expect(ends).toEqual(
      chosen.map((id) => expect.objectContaining({ value: expect.objectContaining({ streamId: id }) as unknown })),
    )
    expect(await stored(chosen)).toEqual(chosen.map(() => [1, 1]))
  })

  test.each([
    ['before the server has the COMMIT', 'request', commit],
    ['before it is read back', 'request', /rillflow:read_appended/],
    ['while it is projected', 'request', /rillflow:put_all/],
  ] as const)('cut %s: ConnectionLost, and nothing is stored', async (__, fault, statement) => {
    proxy.arm(fault, statement)
    const ends = await appendAll()
    expect(proxy.armed).toBe(false)
    expect(ends).toEqual(
      chosen.map(() =>
        expect.objectContaining({ reason: expect.objectContaining({ code: 'ConnectionLost' }) as unknown }),
      ),
    )
    expect(await stored(chosen)).toEqual(chosen.map(() => [0, undefined]))
    // It may simply be made again.
    await appendAll()
    expect(await stored(chosen)).toEqual(chosen.map(() => [1, 1]))
  })
})
