import type { Sql } from 'postgres'
import { postgresJsClient } from '../clients/postgres-js-client.js'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

export async function placeOrder(sql: Sql, shop: Shop, order: Order): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`insert into invoices (id) values (${order.id})`
    await storeOrder(shop, postgresJsClient(tx), order)
  })
}
