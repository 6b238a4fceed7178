import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppendingChild } from './appending-child.js'
import { backendOf, untilBlockedBy } from './blocking.js'
import { bundleFixture, type BundledFixture } from './bundle-fixture.js'
import { newStore } from './events-database.js'
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

test('two processes use one key while its first use is not committed: one write, whichever way that ends', async () => {
  const { store, schema } = await newStore(pool)
  await using one = await AppendingChild.start(fixture.file, server.url, schema)
  await using other = await AppendingChild.start(fixture.file, server.url, schema)
  const holder = await pool.connect()
  try {
    for (const end of ['commit', 'rollback']) {
      await holder.query('begin')
      const first = await store.transaction({ client: holder }, (tx) =>
        tx.events.append(end, [{ type: 'Added', data: { n: 1 } }], { idempotencyKey: 'k' }),
      )
      const word = { streamId: end, n: 1, idempotencyKey: 'k' }
      const answers = [one.append(word), other.append(word)]
      await untilBlockedBy(pool, await backendOf(holder), 2)
      await holder.query(end)
      const [a, b] = await Promise.all(answers)
      expect(a).toMatchObject({ streamId: end, version: 1 })
      expect(b).toEqual(a)
      if (end === 'commit') expect(a).toEqual(first)
      const events = await store.events.readStream(end).toArray()
      expect(events.map((event) => event.id)).toEqual((a as typeof first).eventIds)
    }
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})
