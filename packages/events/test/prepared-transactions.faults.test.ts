import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { floorLocks } from './floor-locks.js'
import { added, newStore } from './events-database.js'
import { openPool } from './open-pool.js'

let server: EmbeddedPostgres
let pool: Pool

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { max_prepared_transactions: 5 } })
  pool = openPool(server.url, 3)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
})

test.each(['commit', 'rollback'])('a prepared append holds the head until its %s, through a restart', async (end) => {
  const { store, schema } = await newStore(pool)
  const client = await pool.connect()
  await client.query('begin')
  await store.transaction({ client }, (tx) => tx.events.append('prepared', added(1)))
  await client.query(`prepare transaction 'append_${end}'`)
  client.release()

  await store.events.append('later', added(1))
  expect(await store.events.head()).toBe(0)
  await server.restart()
  // The restart has cut the idle connections; the first calls find that out.
  for (let attempt = 0; attempt < 10 && !(await answers()); attempt += 1);
  expect(await floorLocks(pool, schema)).toEqual([{ floor: 0, pid: undefined }])
  expect(await store.events.head()).toBe(0)
  expect(await store.events.readAll().toArray()).toEqual([])

  await pool.query(`${end} prepared 'append_${end}'`)
  const streams = (await store.events.readAll().toArray()).map((event) => event.streamId)
  expect(streams).toEqual(end === 'commit' ? ['prepared', 'later'] : ['later'])
})

async function answers(): Promise<boolean> {
  return pool.query('select 1').then(
    () => true,
    () => false,
  )
}
