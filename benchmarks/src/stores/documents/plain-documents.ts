import { makePool, runOnce } from '../pool.js'
import { countWrites } from './count-writes.js'
import type { DocumentStore, DocumentStoreOptions } from './document-store.js'
import type { OrderDocument } from './order-document.js'

const TABLE = `
create schema plain;
create table plain.orders (
  id text collate "C" primary key,
  doc jsonb not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
)`
const CUSTOMER_INDEX = `create index on plain.orders ((doc ->> 'customerId'), id)`

const GET = 'select doc from plain.orders where id = $1'
const PUT = `
insert into plain.orders as o (id, doc) values ($1, $2)
on conflict (id) do update set doc = excluded.doc, version = o.version + 1, updated_at = now()
returning version`
const REPLACE =
  'update plain.orders set doc = $2, version = version + 1, updated_at = now() where id = $1 and version = $3 returning version'
const PUT_MANY = `
insert into plain.orders as o (id, doc) select id, doc::jsonb from unnest($1::text[], $2::text[]) as new (id, doc)
on conflict (id) do update set doc = excluded.doc, version = o.version + 1, updated_at = now()
returning version`
const FIND = `select doc from plain.orders where doc ->> 'customerId' = $1 order by id`

/** Plain `pg`: one named, prepared statement for each call, on a pool; the table is a careful engineer's, for this alone. */
export async function plainDocuments(url: string, options: DocumentStoreOptions = {}): Promise<DocumentStore> {
  await runOnce(url, TABLE)
  if (options.customerIndex) await runOnce(url, CUSTOMER_INDEX)
  const pool = makePool(url)
  const write = async (statement: { name: string; text: string; values: unknown[] }, rows = 1): Promise<void> => {
    const { rowCount } = await pool.query(statement)
    if (rowCount !== rows) throw new Error(`${rowCount} of ${rows} documents were written.`)
  }
  return {
    put: (doc) => write({ name: 'put', text: PUT, values: [doc.id, JSON.stringify(doc)] }),
    replace: (doc, version) =>
      write({ name: 'replace', text: REPLACE, values: [doc.id, JSON.stringify(doc), version] }),
    putMany: (docs) => write({ name: 'put_many', text: PUT_MANY, values: columns(docs) }, docs.length),
    get: async (id) => {
      const { rows } = await pool.query<{ doc: object }>({ name: 'get', text: GET, values: [id] })
      return rows[0]?.doc
    },
    findByCustomer: async (customerId) =>
      (await pool.query({ name: 'find', text: FIND, values: [customerId] })).rows.length,
    writes: () => countWrites(url, 'plain.orders', 'version'),
    close: () => pool.end(),
  }
}

function columns(docs: readonly OrderDocument[]): string[][] {
  return [docs.map(({ id }) => id), docs.map((doc) => JSON.stringify(doc))]
}
