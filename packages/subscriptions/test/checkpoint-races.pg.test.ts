import type { PoolLike } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { until } from './fixtures/until.js'
import { newStore, Orders, placed, storeOn } from './support/test-store.js'

const database = useDatabase()

/** More turns than lie between the answer of a checkpoint and the end of what sent it. */
const turns = 16

/** A pool that calls `answered` when a checkpoint has been answered. */
function watched(pool: PoolLike, answered: () => void): PoolLike {
  return {
    async connect() {
      const client = await pool.connect()
      return {
        query: async (config) => {
          const result = await client.query(config)
          if (config.text.includes('rillflow:acknowledge ')) answered()
          return result
        },
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

test.each(Array.from({ length: turns }, (_, turn) => turn))(
  'an event that is done %i turns after a checkpoint was answered moves the checkpoint too',
  async (turn) => {
    const { store, schema } = await newStore(database.pool)
    await store.subscriptions.create(Orders, { maxInFlight: 2 })
    await store.events.append('order-1', placed(1))
    await store.events.append('order-2', placed(1))
    let release: () => void = () => undefined
    const second = new Promise<void>((resolve) => (release = resolve))
    const answered = async (): Promise<void> => {
      for (let passed = 0; passed < turn; passed += 1) await Promise.resolve()
      release()
    }
    const watching = storeOn(
      watched(database.pool, () => void answered()),
      schema,
    )
    const stop = new AbortController()
    const running = watching.subscriptions.run(
      Orders,
      async ({ event }) => {
        if (event.streamId === 'order-2') await second
      },
      { signal: stop.signal },
    )
    await until('the checkpoint is at the head', async () => (await store.subscriptions.status('orders')).lag === 0)
    stop.abort()
    await running
    expect(await store.subscriptions.status('orders')).toMatchObject({ position: 2 })
    await watching.close()
    await store.close()
  },
)
