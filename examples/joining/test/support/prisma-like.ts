import type pg from 'pg'
import type { PrismaTransaction } from '../../src/clients/prisma-client.js'

/** A transaction of {@link PrismaLike}: raw statements, and the model that the example writes. */
export interface PrismaLikeTransaction extends PrismaTransaction {
  readonly invoices: { create(args: { readonly data: { readonly id: string } }): Promise<unknown> }
}

/**
 * What Prisma 7 shows of itself where the adapter touches it: interactive transactions, rows as objects with bigint and
 * parsed JSON, and errors of its own around those of the driver. The statements run by pg; no Prisma is involved.
 */
export class PrismaLike {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async $queryRawUnsafe<Rows>(text: string, ...values: unknown[]): Promise<Rows> {
    return rawQuery<Rows>(this.#pool, text, values)
  }

  async $transaction<Result>(work: (tx: PrismaLikeTransaction) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      const result = await work(transactionOn(client))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
}

function transactionOn(client: pg.PoolClient): PrismaLikeTransaction {
  return {
    $queryRawUnsafe: (text, ...values) => rawQuery(client, text, values),
    invoices: { create: ({ data }) => client.query('insert into invoices values ($1)', [data.id]) },
  }
}

async function rawQuery<Rows>(client: pg.Pool | pg.PoolClient, text: string, values: unknown[]): Promise<Rows> {
  try {
    return (await client.query(text, values)).rows as Rows
  } catch (error) {
    throw asPrismaError(error as pg.DatabaseError)
  }
}

/** The code is Prisma's; that of the server stands with the driver adapter's error. */
function asPrismaError({ code, message, constraint }: pg.DatabaseError): Error {
  const index = constraint === undefined ? undefined : { constraint: { index: constraint } }
  const cause = { originalCode: code, originalMessage: message, ...index }
  const text = `Raw query failed. Code: \`${code}\`. Message: \`${message}\``
  return Object.assign(new Error(text), { code: 'P2010', meta: { driverAdapterError: { cause } } })
}
