import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { drizzleClient } from '../clients/drizzle-client.js'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

export const invoices = pgTable('invoices', { id: text().primaryKey() })

export async function placeOrder(db: NodePgDatabase, shop: Shop, order: Order): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.insert(invoices).values({ id: order.id })
    await storeOrder(shop, drizzleClient(tx), order)
  })
}
