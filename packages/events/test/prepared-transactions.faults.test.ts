import { expect, test } from 'vitest'
import { floorLocks } from './support/floor-locks.js'
import { added, newStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const server = useServer({ max: 3, settings: { max_prepared_transactions: 5 } })

test.each(['commit', 'rollback'])('a prepared append holds the head until its %s, through a restart', async (end) => {
  const { store, schema } = await newStore(server.pool)
  const client = await server.pool.connect()
  await client.query('begin')
  await store.transaction({ client }, (tx) => tx.events.append('prepared', added(1)))
  await client.query(`prepare transaction 'append_${end}'`)
  client.release()

  await store.events.append('later', added(1))
  expect(await store.events.head()).toBe(0)
  await server.postgres.restart()
  // The restart has cut the idle connections; the first calls find that out.
  for (let attempt = 0; attempt < 10 && !(await answers()); attempt += 1);
  expect(await floorLocks(server.pool, schema)).toEqual([{ floor: 0, pid: undefined }])
  expect(await store.events.head()).toBe(0)
  expect(await store.events.readAll().toArray()).toEqual([])

  await server.pool.query(`${end} prepared 'append_${end}'`)
  const streams = (await store.events.readAll().toArray()).map((event) => event.streamId)
  expect(streams).toEqual(end === 'commit' ? ['prepared', 'later'] : ['later'])
})

async function answers(): Promise<boolean> {
  return server.pool.query('select 1').then(
    () => true,
    () => false,
  )
}
