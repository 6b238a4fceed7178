import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppendingChild } from './appending-child.js'
import { bundleFixture, type BundledFixture } from './bundle-fixture.js'
import { newStore, storeOn } from './events-database.js'
import { openPool } from './open-pool.js'

let server: EmbeddedPostgres
let pool: Pool
let fixture: BundledFixture

beforeAll(async () => {
  ;[fixture, server] = await Promise.all([bundleFixture('append-on-word'), startPostgres({ from: 'embedded' })])
  pool = openPool(server.url, 4)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
  fixture[Symbol.dispose]()
})

test.each([{ wakeUps: true }, { wakeUps: false }])(
  'who waits comes to what another process appends, with wake-ups $wakeUps',
  async (how) => {
    const { schema } = await newStore(pool)
    const store = storeOn(pool, schema, how)
    await using child = await AppendingChild.start(fixture.file, server.url, schema)
    for (let n = 1; n <= 3; n += 1) {
      const waiting = store.events.waitForHead(n - 1)
      expect(await child.append({ streamId: 's', n })).toMatchObject({ version: n })
      expect(await waiting).toBe(n)
      expect(await store.events.readAll({ after: n - 1 }).toArray()).toHaveLength(1)
    }
    await store.close()
  },
)

test('who waits goes on through a restart of the server', async () => {
  const { schema } = await newStore(pool)
  const store = storeOn(pool, schema, { wakeUps: true })
  const waiting = store.events.waitForHead(0)
  await server.kill()
  await server.restart()
  const other = openPool(server.url, 1)
  await storeOn(other, schema).events.append('s', [{ type: 'Added', data: { n: 1 } }])
  expect(await waiting).toBe(1)
  await other.end()
  await store.close()
})
