import { prismaClient, type PrismaTransaction } from '../clients/prisma-client.js'
import type { Order, Shop } from '../shop.js'
import { storeOrder } from './store-order.js'

/** Your generated `PrismaClient` fits; it is spelled out because this file has no schema to generate one from. */
interface Prisma<Transaction> {
  $transaction(work: (tx: Transaction) => Promise<void>): Promise<void>
}

interface WithInvoices extends PrismaTransaction {
  readonly invoices: { create(args: { readonly data: { readonly id: string } }): PromiseLike<unknown> }
}

export async function placeOrder(prisma: Prisma<WithInvoices>, shop: Shop, order: Order): Promise<void> {
  await prisma.$transaction(async (tx) => {
    await tx.invoices.create({ data: { id: order.id } })
    await storeOrder(shop, prismaClient(tx), order)
  })
}
