import { expect, test } from 'vitest'
import { AppendingChild } from './support/appending-child.js'
import { backendOf, untilBlockedBy } from './support/blocking.js'
import { newStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const server = useServer({ max: 4, fixture: 'append-on-word' })

test('two processes use one key while its first use is not committed: one write, whichever way that ends', async () => {
  const { store, schema } = await newStore(server.pool)
  await using one = await AppendingChild.start(server.file, server.url, schema)
  await using other = await AppendingChild.start(server.file, server.url, schema)
  const holder = await server.pool.connect()
  try {
    for (const end of ['commit', 'rollback']) {
      await holder.query('begin')
      const first = await store.transaction({ client: holder }, (tx) =>
        tx.events.append(end, [{ type: 'Added', data: { n: 1 } }], { idempotencyKey: 'k' }),
      )
      const word = { streamId: end, n: 1, idempotencyKey: 'k' }
      const answers = [one.append(word), other.append(word)]
      await untilBlockedBy(server.pool, await backendOf(holder), 2)
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
