import type { Kysely } from 'kysely'
import { kyselyClient } from '../clients/kysely-client.js'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

export interface Tables {
  readonly invoices: { readonly id: string }
}

export async function placeOrder(db: Kysely<Tables>, shop: Shop, order: Order): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('invoices').values({ id: order.id }).execute()
    await storeOrder(shop, kyselyClient(trx), order)
  })
}
