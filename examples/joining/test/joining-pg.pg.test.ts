import pg from 'pg'
import { expect, test } from 'vitest'
import { placeOrder } from '../src/place-order/with-pg.js'
import { storeOrder } from '../src/place-order/store-order.js'
import { describeJoining } from './support/describe-joining.js'
import type { Caller, Connections, Library } from './support/library.js'
import { rejectionOf } from './support/rejection-of.js'

type Client = pg.Client | pg.PoolClient

const on = describeJoining('a pg.PoolClient', async (connections) => ({
  ...library(connections, (work) => onPool(connections.pool, work)),
  close: async () => undefined,
}))

describeJoining('a pg.Client', async (connections) => {
  const client = new pg.Client({ connectionString: connections.url })
  await client.connect()
  return { ...library(connections, (work) => work(client)), close: () => client.end() }
})

type Lend = <Result>(work: (client: Client) => Promise<Result>) => Promise<Result>

async function onPool<Result>(pool: pg.Pool, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    return await work(client)
  } finally {
    client.release()
  }
}

function library({ pool }: Connections, lend: Lend): Omit<Library, 'close'> {
  return {
    transaction: (work) => lend((client) => inTransaction(client, work)),
    prepares: true,
    placeOrder: (shop, order) => placeOrder(pool, shop, order),
    outside: async () => ({ query: (config) => lend((client) => client.query(config as pg.QueryConfig)) }),
  }
}

async function inTransaction<Result>(client: Client, work: (caller: Caller) => Promise<Result>): Promise<Result> {
  await client.query('begin')
  try {
    const insert = (id: string): Promise<unknown> => client.query('insert into invoices values ($1)', [id])
    const result = await work({ client, insert, guarded: (inner) => inner(client) })
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

test('a joined client keeps no listener', async () => {
  const client = new pg.Client({ connectionString: on.database.url })
  await client.connect()
  const before = client.listenerCount('error')
  await inTransaction(client, () => storeOrder(on.shop, client, on.newOrder()))
  await rejectionOf(storeOrder(on.shop, client, on.newOrder()))

  expect(client.listenerCount('error')).toBe(before)
  await client.end()
})

test("a session loads by the store's own pool, so a transaction that holds the only connection waits in vain", async () => {
  const order = on.newOrder()
  const session = on.shop.session()
  const loading = on.library.transaction(() => session.docs.orders.load(order.id))

  expect(await rejectionOf(loading)).toMatchObject({ code: 'PoolTimeout' })
})

test('a reader that waits for events finds those of a joined transaction', async () => {
  const head = await on.shop.events.head()
  const waiting = on.shop.events.waitForHead(head)
  await on.library.placeOrder(on.shop, on.newOrder())

  expect(await waiting).toBe(head + 1)
})
