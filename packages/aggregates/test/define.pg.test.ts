import { aggregates } from '@rillflow/aggregates'
import { createStore, singleTenant } from '@rillflow/core'
import { events } from '@rillflow/events'
import { plan, sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { Account, AccountEvents } from './support/account.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const connection = { pool: { connect: () => database.pool.connect() } }

test('a store of aggregates needs events, in whichever order', async () => {
  expect(() => createStore({ connection, modules: { aggregates: aggregates() } })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining('@rillflow/events') }) as Error,
  )
  for (const [place, order] of [['events', 'aggregates'] as const, ['aggregates', 'events'] as const].entries()) {
    const made = { events: events({ account: AccountEvents }, { wakeUps: false }), aggregates: aggregates() }
    const [first, second] = order
    const modules = { [first]: made[first], [second]: made[second] } as typeof made
    const store = createStore({ connection, tenancy: singleTenant({ schema: `ordered_${place}` }), modules })
    await sync(store)
    await store.aggregates.execute(Account, 'a', Account.commands.open('ada'))
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 1, state: { owner: 'ada' } })
    await store.close()
  }
})

test('the schema is complete after one sync', async () => {
  const { store } = await newWatchedStore(database.pool)
  expect((await plan(store)).steps).toEqual([])
})

test('two definitions of one stream live side by side', async () => {
  const { store } = await newWatchedStore(database.pool)
  const Counted = { ...Account, name: 'counted', initial: () => ({ owner: 'nobody', balance: 100, changes: 0 }) }
  await store.aggregates.execute(Account, 'a', Account.commands.deposit(5))
  expect((await store.aggregates.load(Account, 'a')).state.balance).toBe(5)
  expect((await store.aggregates.load(Counted, 'a')).state).toMatchObject({ owner: 'nobody', balance: 105 })
})
