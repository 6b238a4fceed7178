import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { Account } from './support/account.js'
import { newStore } from './support/test-store.js'

const database = useDatabase()

test.each([undefined, null, 'account', {}, { name: 'account' }])('%j is no aggregate, anywhere', async (given) => {
  const { store } = await newStore({ connect: () => database.pool.connect() })
  const aggregate = given as unknown as typeof Account
  const refusal = { code: 'InvalidArgument', argument: 'aggregate' }
  const loaded = { id: 'a', state: {}, version: 0, exists: false } as never
  const session = store.session()
  const its = store.aggregates
  const calls = [
    () => its.load(aggregate, 'a'),
    () => its.loadAt(aggregate, 'a', { version: 1 }),
    () => its.execute(aggregate, 'a', () => []),
    () => its.create(aggregate, 'a', () => []),
    () => its.update(aggregate, 'a', () => []),
    () => its.commit(aggregate, loaded, []),
    () => its.snapshots.backlog(aggregate),
    () => its.snapshots.takeBatch(aggregate),
    () => its.snapshots.takeAll(aggregate),
    () => store.transaction((tx) => tx.aggregates.loadForUpdate(aggregate, 'a')),
    () => session.aggregates.load(aggregate, 'a'),
    () => session.aggregates.execute(aggregate, 'a', () => []),
    () => session.aggregates.commit(aggregate, loaded, []),
  ]
  for (const call of calls) await expect(call()).rejects.toMatchObject(refusal)
})

test.each([undefined, null, [], 'open'])('%j decides nothing', async (given) => {
  const { store } = await newStore({ connect: () => database.pool.connect() })
  const decide = given as never
  const refusal = { code: 'InvalidArgument', argument: 'decide' }
  await expect(store.aggregates.execute(Account, 'a', decide)).rejects.toMatchObject(refusal)
  await expect(store.aggregates.create(Account, 'a', decide)).rejects.toMatchObject(refusal)
  await expect(store.session().aggregates.execute(Account, 'a', decide)).rejects.toMatchObject(refusal)
})

test.each([[[null]], [['Opened']], [[{ data: {} }]]])('%j are no events', async (given) => {
  const { store } = await newStore({ connect: () => database.pool.connect() })
  const refusal = { code: 'InvalidArgument', argument: 'events' }
  await expect(store.aggregates.execute(Account, 'a', () => given as never)).rejects.toMatchObject(refusal)
  expect(await store.events.streamExists('a')).toBe(false)
})
