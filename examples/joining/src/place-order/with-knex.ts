import type { Knex } from 'knex'
import { knexClient } from '../clients/knex-client.js'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

export async function placeOrder(knex: Knex, shop: Shop, order: Order): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx('invoices').insert({ id: order.id })
    await storeOrder(shop, knexClient(trx), order)
  })
}
