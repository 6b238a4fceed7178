import postgres, { type TransactionSql } from 'postgres'
import { expect, test } from 'vitest'
import { postgresJsClient } from '../src/clients/postgres-js-client.js'
import { placeOrder } from '../src/place-order/with-postgres-js.js'
import { storeOrder } from '../src/place-order/store-order.js'
import { describeJoining } from './support/describe-joining.js'
import type { Caller } from './support/library.js'
import { rejectionOf } from './support/rejection-of.js'
import { none } from './support/use-shop.js'

const on = describeJoining('postgres.js', async ({ url }) => {
  const sql = postgres(url, {
    max: 1,
    transform: postgres.camel,
    types: { bigint: postgres.BigInt },
    onnotice: () => {},
  })
  return {
    // The types of postgres.js unwrap arrays of promises; a result of `work` is none.
    transaction: <Result>(work: (caller: Caller) => Promise<Result>) =>
      sql.begin((tx) => work(callerOf(tx))) as Promise<Result>,
    prepares: true,
    placeOrder: (shop, order) => placeOrder(sql, shop, order),
    // The types refuse what is no transaction; here the run time has to.
    outside: async () => postgresJsClient(sql as unknown as TransactionSql),
    close: () => sql.end(),
  }
})

function callerOf<Types extends Record<string, unknown>>(tx: TransactionSql<Types>): Caller {
  return {
    client: postgresJsClient(tx),
    insert: async (id) => tx`insert into invoices (id) values (${id})`,
    guarded: <Result>(work: (client: Caller['client']) => Promise<Result>) =>
      tx.savepoint((inner) => work(postgresJsClient(inner))) as Promise<Result>,
  }
}

test('postgres.js rolls back after an SQL error that was caught outside a savepoint of its own', async () => {
  const [taken, order] = [on.newOrder(), on.newOrder()]
  await on.library.placeOrder(on.shop, taken)
  const twice = { ...on.newOrder(), reference: taken.reference }
  const ended = on.library.transaction(async ({ client, insert }) => {
    await rejectionOf(storeOrder(on.shop, client, twice))
    await insert(order.id)
    await storeOrder(on.shop, client, order)
  })

  expect(await rejectionOf(ended)).toMatchObject({ name: 'PostgresError', code: '23505' })
  expect(await on.stored(order)).toEqual(none)
})
