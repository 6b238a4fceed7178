import {
  createStore,
  moduleContract,
  singleTenant,
  type Module,
  type PoolLike,
  type TransactionScope,
} from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { events, eventsModule, type AppendHook, type StoredEvent } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { added, families } from './support/test-store.js'

const database = useDatabase({ max: 8 })

/** A module that takes part in appends. */
function taking(hook: AppendHook): Module {
  let isMade = false
  return {
    name: 'taking',
    contract: moduleContract,
    requires: [eventsModule],
    components: [],
    install: () => ({
      store: (_, siblings) => {
        if (!isMade) siblings.find(eventsModule).service.onAppend(hook)
        isMade = true
        return undefined
      },
      transaction: () => undefined,
    }),
  }
}

const schema = 'hooked'
function storeWith(pool: PoolLike, hook: AppendHook) {
  return createStore({
    connection: { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { taking: taking(hook), events: events(families, { wakeUps: false }) },
  })
}

const added1 = new Set(['Added'])
const noted = { type: 'Noted', data: 'a note' } as const

let seen: (readonly StoredEvent[])[]
let pool: CountingPool
let store: ReturnType<typeof storeWith>
beforeEach(async () => {
  seen = []
  pool = new CountingPool(database.pool)
  store = storeWith(pool, { types: added1, run: async (_, list) => void seen.push(list) })
  await database.query(`drop schema if exists ${schema} cascade`)
  await sync(store)
  pool.take()
})

/** What the hook was given in all. */
const given = (): readonly StoredEvent[] => seen.flat()

test('it is given the events that it wants, as a read gives them', async () => {
  await store.withContext({ headers: { user: 'ada' }, correlationId: 'c-1' }, () =>
    store.events.append('s', [noted, ...added(2), noted, ...added(1, 3)], { category: 'other', causationId: 'x' }),
  )
  await store.events.append('t', [{ type: 'Added', data: { n: 1e21 }, headers: { of: 'mine' } }])
  const read = await store.events.readAll({ filter: { types: ['Added'] } }).toArray()
  expect(read).toHaveLength(4)
  expect(given()).toEqual(read)
  expect(seen.map((list) => list.length)).toEqual([3, 1])
})

test('appends without its types stay what they were: one statement, on every way', async () => {
  await store.events.append('s', [noted])
  await store.events.append('s', [noted, noted], { expected: 1, idempotencyKey: 'k' })
  expect(pool.take()).toHaveLength(2)
  await store.transaction((tx) => tx.events.append('s', [noted]))
  const session = store.session()
  session.events.append('s', [noted])
  await session.saveChanges()
  expect(pool.take()).toHaveLength(6)
  expect(seen).toEqual([])
})

test('several appends to one stream in one batch, some of them refused', async () => {
  await store.events.append('s', added(1))
  seen = []
  const ends = await Promise.allSettled([
    store.events.append('s', added(1, 2)),
    store.events.append('s', [noted, ...added(2, 3)]),
    store.events.append('s', added(5, 90), { expected: 'noStream' }),
    store.events.append('s', added(1, 5), { expected: 'streamExists' }),
    store.events.append('r', added(1, 6)),
  ])
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(
    given()
      .map(({ data }) => (data as { n: number }).n)
      .toSorted((one, other) => one - other),
  ).toEqual([2, 3, 4, 5, 6])
  expect(given().map(({ position }) => position)).toEqual(
    given()
      .map(({ position }) => position)
      .toSorted((a, b) => a - b),
  )
})

test('an append that was as expected only at the second look is given too', async () => {
  // The lone statement is refused by a lock that only it meets; the second one writes.
  await database.query(`
    create function ${schema}.skip() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger skip before update on ${schema}.streams for each row
      when (current_query() like '%rillflow:append_one%') execute function ${schema}.skip()`)
  await store.events.append('s', [noted])
  await store.events.append('s', added(1), { expected: 1 })
  expect(given().map(({ version }) => version)).toEqual([2])
})

describe('what it sends ahead', () => {
  const ahead = async (_: TransactionScope, streamIds: readonly string[]): Promise<string> => streamIds.join(' ')

  test('names the streams that may matter, and comes back with the events', async () => {
    const told: unknown[] = []
    store = storeWith(database.pool, {
      types: added1,
      ahead,
      run: async (_, list, back) => void told.push([list.length, back]),
    })
    await Promise.all([
      store.events.append('b', added(2)),
      store.events.append('a', [...added(1), noted]),
      store.events.append('b', added(1)),
      store.events.append('c', [noted]),
    ])
    // The first tick sends all of them at once.
    expect(told).toEqual([[4, 'b a']])
  })
})

test('hooks of one transaction run one after the other, and keep the order of the appends', async () => {
  let running = 0
  const most: number[] = []
  store = storeWith(database.pool, {
    types: added1,
    async run(scope) {
      running += 1
      most.push(running)
      await scope.sql`select 1`
      running -= 1
    },
  })
  await store.transaction((tx) =>
    Promise.all(
      [added(1), [noted], added(1), [noted]].map((list) => tx.events.append('s', list as ReturnType<typeof added>)),
    ),
  )
  expect(most).toEqual([1, 1])
  const types = (await store.events.readStream('s').toArray()).map(({ type }) => type)
  expect(types).toEqual(['Added', 'Noted', 'Added', 'Noted'])
})

test('imports of its types are refused; older names count, and a word that is no choice', async () => {
  const row = { streamId: 's', type: 'Added', data: { n: 1 } } as const
  await expect(store.events.import([row])).rejects.toMatchObject({
    cause: { code: 'ImportNotProjected', type: 'Added' },
  })
  const odd = { inline: 'yes' } as unknown as { inline: 'skip' }
  await expect(store.events.import([row], odd)).rejects.toMatchObject({ argument: 'inline' })
  expect(await store.events.import([row], { inline: 'skip' })).toMatchObject({ events: 1 })
  expect(seen).toEqual([])
})
