import { channels, type OperationContext } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { startRun } from './support/start-run.js'
import { newStore, Orders, placed } from './support/test-store.js'
import { untilStatus } from './support/until-status.js'

const database = useDatabase()

test('each attempt is told on the channel `deliver`, and nothing of what the event holds', async () => {
  const { store, schema } = await newStore(database.pool)
  const heard: OperationContext[] = []
  const nothing = (): void => undefined
  const listener = {
    start: (context: unknown) => void heard.push({ ...(context as OperationContext) }),
    end: nothing,
    asyncStart: nothing,
    asyncEnd: nothing,
    error: nothing,
  }
  channels.deliver.subscribe(listener)
  try {
    await store.events.append('order-1', placed(2), { correlationId: 'request-7' })
    const run = startRun(store, Orders, () => undefined)
    await untilStatus(store, 'orders', ({ lag }) => lag === 0)
    await run.stop()
  } finally {
    channels.deliver.unsubscribe(listener)
  }
  const told = { operation: 'subscription "orders"', schema, tenant: undefined, correlationId: 'request-7', count: 1 }
  expect(heard).toEqual([told, told])
})
