import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { drizzleClient } from '../src/clients/drizzle-client.js'
import { invoices, placeOrder } from '../src/place-order/with-drizzle.js'
import { describeJoining } from './support/describe-joining.js'

type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]

describeJoining('drizzle-orm/node-postgres', async ({ pool }) => {
  const db = drizzle(pool)
  return {
    transaction: (work) =>
      db.transaction((tx) => {
        const client = drizzleClient(tx)
        const insert = async (id: string): Promise<unknown> => tx.insert(invoices).values({ id })
        return work({ client, insert, guarded: (inner) => inner(client) })
      }),
    prepares: true,
    placeOrder: (shop, order) => placeOrder(db, shop, order),
    // The types refuse what is no transaction; here the run time has to.
    outside: async () => drizzleClient(db as unknown as Transaction),
    close: async () => undefined,
  }
})
