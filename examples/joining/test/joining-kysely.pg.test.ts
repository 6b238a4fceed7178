import { CamelCasePlugin, Kysely, ParseJSONResultsPlugin, PostgresDialect, type Transaction } from 'kysely'
import { kyselyClient } from '../src/clients/kysely-client.js'
import { placeOrder, type Tables } from '../src/place-order/with-kysely.js'
import { describeJoining } from './support/describe-joining.js'

describeJoining('Kysely', async ({ pool }) => {
  const plugins = [new CamelCasePlugin(), new ParseJSONResultsPlugin()]
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), plugins })
  return {
    transaction: (work) =>
      db.transaction().execute((trx) => {
        const client = kyselyClient(trx)
        const insert = (id: string): Promise<unknown> => trx.insertInto('invoices').values({ id }).execute()
        return work({ client, insert, guarded: (inner) => inner(client) })
      }),
    prepares: false,
    placeOrder: (shop, order) => placeOrder(db, shop, order),
    // The types refuse what is no transaction; here the run time has to.
    outside: async () => kyselyClient(db as Transaction<Tables>),
    // `db.destroy()` would end the pool, which the store has too.
    close: async () => undefined,
  }
})
