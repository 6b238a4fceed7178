import { prismaClient } from '../src/clients/prisma-client.js'
import { placeOrder } from '../src/place-order/with-prisma.js'
import { describeJoining } from './support/describe-joining.js'
import { PrismaLike } from './support/prisma-like.js'

describeJoining("Prisma's interface", async ({ pool }) => {
  const prisma = new PrismaLike(pool)
  return {
    transaction: (work) =>
      prisma.$transaction((tx) => {
        const client = prismaClient(tx)
        const insert = (id: string): Promise<unknown> => tx.invoices.create({ data: { id } })
        return work({ client, insert, guarded: (inner) => inner(client) })
      }),
    prepares: false,
    placeOrder: (shop, order) => placeOrder(prisma, shop, order),
    outside: async () => prismaClient(prisma),
    close: async () => undefined,
  }
})
