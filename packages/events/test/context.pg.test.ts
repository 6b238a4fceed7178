import type { Context } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { newStore, storeOn, type TestStore } from './support/test-store.js'

const database = useDatabase()

/** Where a context can be given, the widest first. */
const places = ['store', 'ambient', 'unit', 'append', 'event'] as const
type Place = (typeof places)[number]

/** Each place sets the header of its own name, and its name as the header and the ids that all of them share. */
function contextOf(place: Place, given: readonly Place[]): Context {
  if (!given.includes(place)) return {}
  return {
    headers: { [place]: true, from: place },
    causationId: `causation of ${place}`,
    correlationId: `correlation of ${place}`,
  }
}

type Append = (store: TestStore, given: readonly Place[]) => Promise<void>

function eventFor(given: readonly Place[]) {
  return [{ type: 'Added', data: { n: 1 }, ...contextOf('event', given) }] as const
}

/** The ways to append; `unit` is the transaction's or the session's own context, which the store has none of. */
const ways: Record<string, Append> = {
  'on the store': async (store, given) => {
    await store.events.append('s', eventFor(given), contextOf('append', given))
  },
  'in a transaction': async (store, given) => {
    await store.transaction(contextOf('unit', given), (tx) =>
      tx.events.append('s', eventFor(given), contextOf('append', given)),
    )
  },
  'in a session': async (store, given) => {
    const session = store.session(contextOf('unit', given))
    session.events.append('s', eventFor(given), contextOf('append', given))
    await session.saveChanges()
  },
}

/** Every set of places. */
const combinations = Array.from({ length: 2 ** places.length }, (_, bits) =>
  places.filter((_place, index) => (bits & (1 << index)) !== 0),
)

describe.each(Object.entries(ways))('%s', (way, append) => {
  test('the more specific place wins, header by header and id by id, for every set of places', async () => {
    const { schema } = await newStore(database.pool)
    for (const given of combinations) {
      const known = way === 'on the store' ? given.filter((place) => place !== 'unit') : given
      const store = storeOn({ connect: () => database.pool.connect() }, schema, { context: contextOf('store', given) })
      await store.withContext(contextOf('ambient', given), () => append(store, given))
      const [event] = await store.events.readAll({ direction: 'backward', limit: 1 }).toArray()
      const last = known.at(-1)
      const headers = Object.fromEntries(known.map((place) => [place, true]))
      expect(event?.headers, given.join()).toEqual(last === undefined ? {} : { ...headers, from: last })
      expect(event?.causationId).toBe(last && `causation of ${last}`)
      expect(event?.correlationId).toBe(last && `correlation of ${last}`)
    }
  })
})

test('events of one append have headers and ids of their own', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append(
    's',
    [
      { type: 'Added', data: { n: 1 } },
      { type: 'Added', data: { n: 2 }, headers: { b: 'event', c: null }, causationId: 'own' },
    ],
    { headers: { a: 'append', b: 'append' }, correlationId: 'shared' },
  )
  expect(await store.events.readStream('s').toArray()).toMatchObject([
    { headers: { a: 'append', b: 'append' }, causationId: undefined, correlationId: 'shared' },
    { headers: { a: 'append', b: 'event', c: null }, causationId: 'own', correlationId: 'shared' },
  ])
})

test("a session's context is read when it is saved, and withContext around the save counts too", async () => {
  const { store } = await newStore(database.pool)
  const session = store.session({ headers: { first: 1 } })
  session.events.append('s', [{ type: 'Added', data: { n: 1 } }])
  session.setContext({ headers: { second: 2 }, correlationId: 'late' })
  await store.withContext({ headers: { around: 3, first: 'hidden' } }, () => session.saveChanges())
  expect(await store.events.readStream('s').toArray()).toMatchObject([
    { headers: { first: 1, second: 2, around: 3 }, correlationId: 'late' },
  ])
})

test('contexts of concurrent work do not mix', async () => {
  const { store } = await newStore(database.pool)
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      store.withContext({ correlationId: `c-${index}`, headers: { index } }, async () => {
        await store.events.append(`s-${index}`, [{ type: 'Added', data: { n: index } }])
        await store.transaction((tx) => tx.events.append(`s-${index}`, [{ type: 'Added', data: { n: index } }]))
      }),
    ),
  )
  for (const event of await store.events.readAll().toArray()) {
    const index = Number(event.streamId.slice(2))
    expect(event).toMatchObject({ correlationId: `c-${index}`, headers: { index } })
  }
})

test('the category is the one given, else that of the family of the first event, and stays the first one', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('a', [
    { type: 'Noted', data: 'x' },
    { type: 'Added', data: { n: 1 } },
  ])
  await store.events.append('b', [{ type: 'Added', data: { n: 1 } }], { category: 'special' })
  await store.events.append('b', [{ type: 'Noted', data: 'x' }], { category: 'ignored' })
  const events = await store.events.readAll().toArray()
  expect(events.map((event) => event.category)).toEqual(['note', 'note', 'special', 'special'])
})

test('ids given are kept, ids made rise, and times are those of the server', async () => {
  const { store } = await newStore(database.pool)
  const given = 'ABCDEF01-2345-6789-abcd-ef0123456789'
  const result = await store.events.append('s', [
    { type: 'Added', data: { n: 1 } },
    { type: 'Added', data: { n: 2 }, id: given },
    { type: 'Added', data: { n: 3 } },
  ])
  const events = await store.events.readStream('s').toArray()
  expect(events.map((event) => event.id)).toEqual(result.eventIds.map((id) => id.toLowerCase()))
  expect(events[1]?.id).toBe(given.toLowerCase())
  expect((events[0]?.id ?? '') < (events[2]?.id ?? '')).toBe(true)
  expect(events[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(events[0]).toMatchObject({ schemaVersion: 1, createdAt: events[2]?.createdAt })
  expect(events[0]?.createdAt).toBeInstanceOf(Date)
})
