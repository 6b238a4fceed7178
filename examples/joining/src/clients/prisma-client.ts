import type { ClientLike } from '@rillflow/core'

/** The part of `Prisma.TransactionClient` that is needed. */
export interface PrismaTransaction {
  $queryRawUnsafe<Rows>(query: string, ...values: unknown[]): PromiseLike<Rows>
}

export function prismaClient(tx: PrismaTransaction): ClientLike {
  return {
    async query({ text, values = [] }) {
      try {
        return { rows: await tx.$queryRawUnsafe<readonly unknown[]>(text, ...values), rowCount: null }
      } catch (error) {
        throw asDriverError(error)
      }
    },
  }
}

/** Prisma's own code, P2010 for all of them, hides the SQLSTATE; that stands with the adapter's error. */
function asDriverError(error: unknown): Error {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: AdapterCause } } }
  const { originalCode: code, constraint } = meta?.driverAdapterError?.cause ?? {}
  return Object.assign(new Error('Prisma could not run it', { cause: error }), { code, constraint: constraint?.index })
}

interface AdapterCause {
  readonly originalCode?: string
  readonly constraint?: { readonly index?: string }
}
