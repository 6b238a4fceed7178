import type pg from 'pg'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

export async function placeOrder(pool: pg.Pool, shop: Shop, order: Order): Promise<void> {
  const client = await pool.connect()
  let broken: unknown
  try {
    await client.query('begin')
    await client.query('insert into invoices (id) values ($1)', [order.id])
    await storeOrder(shop, client, order)
    await client.query('commit')
  } catch (error) {
    // A connection that cannot roll back is ended by the pool.
    await client.query('rollback').catch((reason: unknown) => (broken = reason))
    throw error
  } finally {
    client.release(broken !== undefined)
  }
}
