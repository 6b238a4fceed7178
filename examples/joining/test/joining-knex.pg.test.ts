import createKnex, { type Knex } from 'knex'
import { expect, test } from 'vitest'
import { knexClient } from '../src/clients/knex-client.js'
import { storeOrder } from '../src/place-order/store-order.js'
import { placeOrder } from '../src/place-order/with-knex.js'
import { describeJoining } from './support/describe-joining.js'
import { rejectionOf } from './support/rejection-of.js'
import { none } from './support/use-shop.js'

const on = describeJoining('Knex', async ({ url }) => {
  const knex = createKnex({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 1 },
    postProcessResponse: () => [],
  })
  return {
    transaction: (work) =>
      knex.transaction((trx) => {
        const client = knexClient(trx)
        const insert = async (id: string): Promise<unknown> => trx('invoices').insert({ id })
        return work({ client, insert, guarded: (inner) => inner(client) })
      }),
    prepares: true,
    placeOrder: (shop, order) => placeOrder(knex, shop, order),
    outside: async () => knexClient(await endedTransaction(knex)),
    close: () => knex.destroy(),
  }
})

/** What is not a transaction does not compile; one that has ended does, and its connection may be another's by now. */
async function endedTransaction(knex: Knex): Promise<Knex.Transaction> {
  const trx = await knex.transaction()
  await trx.rollback()
  return trx
}

test('a Knex transaction that has ended is refused, also when its connection is inside another one', async () => {
  const order = on.newOrder()
  const ended = await on.library.outside()
  const error = await on.library.transaction(() => rejectionOf(storeOrder(on.shop, ended, order)))

  expect(error).toMatchObject({ code: 'InvalidState' })
  expect(await on.stored(order)).toEqual(none)
})
