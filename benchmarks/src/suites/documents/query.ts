import { typed } from '@rillflow/core'
import { compileQuery, contains, gin, gte, index } from '@rillflow/documents'
import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import { customerId, type OrderDocument } from '../../stores/documents/order-document.js'
import { plainDocuments } from '../../stores/documents/plain-documents.js'
import { openRillflowDocuments, orders } from '../../stores/documents/rillflow-documents.js'
import { makePool, runOnce } from '../../stores/pool.js'
import { seedDocuments } from './seed-documents.js'

const DOCUMENTS = 100_000
const CUSTOMERS = 20_000
const BY_HAND = 'pg, one statement'
const CASES = [
  { name: 'equality, compiled', query: 'customer' },
  { name: 'range in order, first 20', query: 'dearest' },
  { name: 'inside an array', query: 'sku' },
] as const

/** Each gives how many documents came, decoded. */
interface Queries {
  customer(customerId: string): Promise<number>
  dearest(least: number): Promise<number>
  sku(sku: string): Promise<number>
}

/** The same queries, written with the query language and by hand. */
export const documentsQuery = defineSuite({
  name: 'documents-query',
  about: 'documents',
  title: 'Query 100,000 documents',
  unit: 'queries/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: querying(rillflowQueries), [BY_HAND]: querying(plainQueries) },
  targets: CASES.map(({ name }) => ({ case: name, against: BY_HAND, atLeast: 0.8 })),
})

interface OpenQueries extends Queries {
  readonly close: () => Promise<void>
}

function querying(open: (url: string, count: number) => Promise<OpenQueries>): Contender<(typeof CASES)[number]> {
  return async ({ url, scaled }) => {
    const count = scaled(DOCUMENTS)
    const queries = await open(url, count)
    const random = (): number => Math.floor(Math.random() * count)
    const calls = {
      customer: () => queries.customer(customerId(random(), CUSTOMERS)),
      // Totals run from 0.00 on by a cent; the upper tenth is asked for, so that 20 are there.
      dearest: () => queries.dearest((count - 100 - (random() % (count / 10))) / 100),
      sku: () => queries.sku(`sku-${random() % 9_973}`),
    }
    return {
      round: ({ query }, seconds) =>
        drive({
          callers: 1,
          seconds,
          call: async () => {
            if ((await calls[query]()) === 0) throw new Error('A query that finds documents has found none.')
          },
        }),
      close: queries.close,
    }
  }
}

async function rillflowQueries(url: string, count: number): Promise<OpenQueries> {
  const collection = orders([index('customerId'), index('total'), gin()])
  const store = await openRillflowDocuments(url, collection)
  const { orders: docs } = store.docs
  await seedDocuments({ putMany: async (list) => void (await docs.putMany(list)) }, { url, count })
  const byCustomer = compileQuery(collection, typed<{ customerId: string }>(), (query, { customerId: id }) =>
    query.where({ customerId: id }).orderBy('id'),
  )
  return {
    customer: async (id) => (await docs.run(byCustomer, { customerId: id })).length,
    dearest: async (least) =>
      (
        await docs
          .query({ total: gte(least) })
          .orderBy('total')
          .limit(20)
          .all()
      ).length,
    sku: async (sku) => (await docs.find({ lines: contains([{ sku }]) })).length,
    close: () => store.close(),
  }
}

const INDEXES = [
  `create index on plain.orders ((doc ->> 'customerId'), id)`,
  `create index on plain.orders (((doc ->> 'total')::numeric), id)`,
  'create index on plain.orders using gin (doc jsonb_path_ops)',
]
const CUSTOMER = `select doc from plain.orders where doc ->> 'customerId' = $1 order by id`
const DEAREST = `
select doc from plain.orders where (doc ->> 'total')::numeric >= $1 order by (doc ->> 'total')::numeric, id limit 20`
const SKU = 'select doc from plain.orders where doc @> $1 order by id'

async function plainQueries(url: string, count: number): Promise<OpenQueries> {
  const seeding = await plainDocuments(url)
  for (const statement of INDEXES) await runOnce(url, statement)
  await seedDocuments(seeding, { url, count })
  await seeding.close()
  const pool = makePool(url)
  const run = async (name: keyof Queries, text: string, value: unknown): Promise<number> =>
    (await pool.query<{ doc: OrderDocument }>({ name, text, values: [value] })).rows.length
  return {
    customer: (id) => run('customer', CUSTOMER, id),
    dearest: (least) => run('dearest', DEAREST, least),
    sku: (sku) => run('sku', SKU, JSON.stringify({ lines: [{ sku }] })),
    close: () => pool.end(),
  }
}
