import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, expect, test } from 'vitest'
import { newStore, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore

beforeAll(async () => {
  ;({ store } = await newStore(database.pool))
})

const one = { type: 'Added', data: { n: 1 } } as const
const two = { type: 'Removed', data: { n: 2 }, headers: { own: true }, causationId: 'its-own' } as const

test('on the store: everything that was said is stored', async () => {
  const result = await store.events
    .stream('built')
    .expected('noStream')
    .category('kind')
    .headers({ a: 1, b: 1 })
    .headers({ b: 2 })
    .causationId('cause')
    .correlationId('correlation')
    .push(one)
    .push(two)
    .send()
  const events = await store.events.readStream('built').toArray()
  expect(result).toEqual({
    streamId: 'built',
    version: 2,
    position: events[1]?.position,
    eventIds: events.map((event) => event.id),
  })
  expect(events).toMatchObject([
    { ...one, category: 'kind', headers: { a: 1, b: 2 }, causationId: 'cause', correlationId: 'correlation' },
    { ...two, headers: { a: 1, b: 2, own: true }, causationId: 'its-own', correlationId: 'correlation' },
  ])
})

test('its errors are those of append', async () => {
  await store.events.append('there', [one])
  const stream = (streamId: string): ReturnType<TestStore['events']['stream']> => store.events.stream(streamId)
  await expect(stream('there').expected('noStream').push(one).send()).rejects.toMatchObject({
    code: 'VersionConflict',
    actual: 1,
  })
  await expect(stream('').push(one).send()).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'streamId' })
  await expect(stream('there').send()).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'events' })
  const signal = AbortSignal.abort()
  await expect(stream('there').signal(signal).push(one).send()).rejects.toMatchObject({ code: 'Aborted' })
  expect(await store.events.readStream('there').toArray()).toHaveLength(1)
})

test('sent twice it appends once', async () => {
  const builder = store.events.stream('once').push(one)
  await builder.send()
  await expect(builder.send()).rejects.toMatchObject({ code: 'InvalidState' })
  expect(await store.events.readStream('once').toArray()).toHaveLength(1)
})

test('built again with its key it appends once', async () => {
  const send = (): ReturnType<typeof store.events.append> =>
    store.events.stream('keyed').idempotencyKey('k').push(one, two).send()
  expect(await send()).toEqual(await send())
  expect(await store.events.readStream('keyed').toArray()).toHaveLength(2)
})

test('in a transaction it ends with it', async () => {
  const failing = store.transaction(async (tx) => {
    expect(await tx.events.stream('in-tx').expected(0).push(one).send()).toMatchObject({ version: 1 })
    throw new Error('from the callback')
  })
  await expect(failing).rejects.toThrow('from the callback')
  await store.transaction((tx) => tx.events.stream('in-tx').expected(0).push(one, one).send())
  expect(await store.events.readStream('in-tx').toArray()).toHaveLength(2)
})

test('in a session it is staged, and saved with everything else', async () => {
  const session = store.session({ headers: { user: 'ada' } })
  session.events.stream('staged').expected('noStream').headers({ a: 1 }).push(one).stage()
  session.events.stream('staged').expected(1).push(two).stage()
  expect(session.pending).toBe(2)
  expect(await store.events.streamExists('staged')).toBe(false)
  const saved = await session.saveChanges()
  expect(saved.events.map(({ version }) => version)).toEqual([1, 2])
  expect(await store.events.readStream('staged').toArray()).toMatchObject([
    { headers: { user: 'ada', a: 1 } },
    { headers: { user: 'ada', own: true } },
  ])
})
