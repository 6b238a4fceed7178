import { sync } from '@rillflow/schema'
import { useDatabase, type TestDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeEach, expect } from 'vitest'
import { openShop, type Order, type Shop } from '../../src/shop.js'
import type { Library, OpenLibrary } from './library.js'
import { smallPool } from './small-pool.js'

/** A shop and a library on one database. */
export interface TestShop {
  readonly database: TestDatabase
  readonly shop: Shop
  readonly library: Library
  /** An order that no other test has. */
  newOrder(): Order
  /** How often the order is stored as a row of the caller's, as a document and as an event, seen from outside. */
  stored(order: Order): Promise<Stored>
}

interface Stored {
  readonly invoices: number
  readonly documents: number
  readonly events: number
}

export const all: Stored = { invoices: 1, documents: 1, events: 1 }
export const none: Stored = { invoices: 0, documents: 0, events: 0 }

/** Gives each test a shop and a library, and fails the test when a connection stays busy or inside a transaction. */
export function useShop(open: OpenLibrary): TestShop {
  const database = useDatabase({ template: 'joining', migrate })
  let made = 0
  let current: Opened | undefined
  const opened = (): Opened => {
    if (current === undefined) throw new Error('the shop is open while a test runs')
    return current
  }
  beforeEach(async () => {
    current = await openAll(database.url, open)
  })
  afterEach(async () => {
    await expectNoneInTransaction(database)
    await opened().close()
  })

  return {
    database,
    get shop() {
      return opened().shop
    },
    get library() {
      return opened().library
    },
    newOrder() {
      made += 1
      return { id: `o-${made}`, reference: `r-${made}`, total: made }
    },
    async stored({ id }) {
      const { rows } = await database.query<Stored & Record<string, number>>(
        `select (select count(*)::int from invoices where id = $1) as invoices,
          (select count(*)::int from rillflow.docs where id = $1) as documents,
          (select count(*)::int from rillflow.events where stream_id = 'order-' || $1) as events`,
        [id],
      )
      return rows[0] as Stored
    },
  }
}

interface Opened {
  readonly shop: Shop
  readonly library: Library
  close(): Promise<void>
}

async function openAll(url: string, open: OpenLibrary): Promise<Opened> {
  const { pool, close } = smallPool(url)
  const shop = openShop(pool)
  const library = await open({ pool, url })
  return {
    shop,
    library,
    async close() {
      await shop.close()
      await library.close()
      expect({ busy: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }).toEqual({ busy: 0, waiting: 0 })
      await close()
    },
  }
}

async function migrate(url: string): Promise<void> {
  const { pool, close } = smallPool(url)
  const shop = openShop(pool)
  await sync(shop)
  await pool.query('create table invoices (id text primary key)')
  await shop.close()
  await close()
}

async function expectNoneInTransaction(database: TestDatabase): Promise<void> {
  const found = async (): Promise<readonly object[]> => {
    const { rows } = await database.query<{ state: string; query: string }>(
      `select state, query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`,
    )
    return rows
  }
  // A connection that was thrown away leaves the list when the server sees its socket close.
  await expect.poll(found, { timeout: 60_000, interval: 10 }).toEqual([])
}
