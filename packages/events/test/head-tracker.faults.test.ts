import { expect, test } from 'vitest'
import { AppendingChild } from './support/appending-child.js'
import { newStore, storeOn } from './support/test-store.js'
import { useServer } from './support/use-server.js'
import { openPool } from './support/open-pool.js'

const server = useServer({ max: 4, fixture: 'append-on-word' })

test.each([{ wakeUps: true }, { wakeUps: false }])(
  'who waits comes to what another process appends, with wake-ups $wakeUps',
  async (how) => {
    const { schema } = await newStore(server.pool)
    const store = storeOn(server.pool, schema, how)
    await using child = await AppendingChild.start(server.file, server.url, schema)
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
  const { schema } = await newStore(server.pool)
  const store = storeOn(server.pool, schema, { wakeUps: true })
  const waiting = store.events.waitForHead(0)
  await server.postgres.kill()
  await server.postgres.restart()
  const other = openPool(server.url, 1)
  await storeOn(other, schema).events.append('s', [{ type: 'Added', data: { n: 1 } }])
  expect(await waiting).toBe(1)
  await other.end()
  await store.close()
})
