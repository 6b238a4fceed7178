import { createStore, typed } from '@rillflow/core'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { defineCollection, documents, index } from '../src/index.js'
import { useDocuments } from './support/use-documents.js'

const Customer = defineCollection('customers', {
  schema: typed<{ id: string; email: string; tier: string; note: string; address: { city: string } }>(),
  indexes: [index('email', { unique: true }), index('tier'), index('address.city')],
})
const fixture = useDocuments({ customers: Customer })

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

interface Prepared {
  readonly name: string
  readonly uses: number
}

beforeAll(async () => {
  await fixture.database.query(`
    insert into rillflow.docs (collection, id, doc, version, created_at, updated_at)
    select collection, 'c' || n, jsonb_build_object('id', 'c' || n, 'email', n || '@x.io', 'tier', 't' || n % 1000,
      'note', 'n' || n, 'address', jsonb_build_object('city', 'city ' || n % 5000)), 1, now(), now()
    from generate_series(1, 20000) as n, unnest(array['customers', 'others']) as collection`)
  // With VACUUM, so that nothing is left for one that the server might begin by itself in the midst of the tests.
  await fixture.database.query('vacuum analyze rillflow.docs')
})

/** Runs each query on a connection of its own and tells which statements `find` left prepared there. */
async function onOneConnection(
  queries: readonly { readonly filter: object; readonly limit?: number }[],
  look: (client: pg.Client, statements: readonly Prepared[]) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: fixture.database.url })
  await client.connect()
  try {
    const store = createStore({ connection: { client }, modules: { docs: documents({ customers: Customer }) } })
    for (const { filter, limit } of queries) await store.docs.customers.find(filter, { limit })
    const { rows } = await client.query<Prepared>(
      `select name, (generic_plans + custom_plans)::int as uses from pg_prepared_statements where name like 'rf_query_%'`,
    )
    await look(client, rows)
  } finally {
    await client.end()
  }
}

async function explain(client: pg.Client, sql: string): Promise<readonly PlanNode[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(`explain (format json) ${sql}`)
  return flatten(rows[0]?.['QUERY PLAN'][0]?.Plan)
}

function flatten(node: PlanNode | undefined): readonly PlanNode[] {
  return node === undefined ? [] : [node, ...(node.Plans ?? []).flatMap(flatten)]
}

const cases = [
  { what: 'a unique field', filter: { email: '77@x.io' }, index: /^docs_customers_email_[0-9a-f]{12}$/, cond: '#>' },
  { what: 'a field', filter: { tier: 't77' }, index: /^docs_customers_tier_[0-9a-f]{12}$/, cond: '#>' },
  {
    what: 'a nested field',
    filter: { 'address.city': 'city 77' },
    index: /^docs_customers_address_city_[0-9a-f]{12}$/,
    cond: '#>',
  },
  { what: 'the id', filter: { id: 'c77' }, index: /^docs_pkey$/, cond: 'id = ' },
].flatMap((each) => [
  each,
  { ...each, what: `${each.what}, limited`, limit: 10, isInText: true },
  { ...each, what: `${each.what}, limited in another way`, limit: 17 },
])

test.each(cases)('$what: the index serves the prepared statement, generic and custom', async (given) => {
  const { filter, index: wanted, cond } = given
  const limit = 'limit' in given ? given.limit : undefined
  const query = { filter, ...(limit === undefined ? {} : { limit }) }
  // From the sixth run on the server may keep one plan for every value.
  await onOneConnection(
    Array.from({ length: 7 }, () => query),
    async (client, statements) => {
      expect(statements).toEqual([{ name: expect.any(String) as string, uses: 7 }])
      const values = Object.entries(filter).map(([field, value]) => (field === 'id' ? value : JSON.stringify(value)))
      // A limit that many share stands in the text.
      const parameters = [...values, ...(limit === undefined || 'isInText' in given ? [] : [limit])]
        .map((value) => `'${value}'`)
        .join(', ')
      for (const mode of ['force_generic_plan', 'force_custom_plan']) {
        await client.query(`set plan_cache_mode = ${mode}`)
        const nodes = await explain(client, `execute ${statements[0]?.name}(${parameters})`)
        const scan = nodes.find((node) => node['Index Name'] !== undefined)
        expect(scan?.['Index Name']).toMatch(wanted)
        expect(scan?.['Index Cond']).toContain(cond)
        expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan')
        // Equal values stand in the index in the order of their ids: a limit ends the scan, and sorts nothing.
        if (limit !== undefined && cond === '#>' && !('email' in filter)) {
          expect(nodes.map((node) => node['Node Type'])).toEqual(['Limit', 'Index Scan'])
        }
      }
    },
  )
})

test('fields without an index share one statement, whatever their names', async () => {
  const fields = ['note', 'other', "it's", 'a.b.c', '"', '{}', '\\']
  await onOneConnection(
    fields.map((field) => ({ filter: { [field]: 'n7' } })),
    async (_client, statements) => expect(statements).toHaveLength(1),
  )
})

test('a collection with more shapes of filters than names sends the rest unnamed, and finds all the same', async () => {
  const many = defineCollection('customers', {
    schema: typed<Record<string, string> & { id: string }>(),
    indexes: Array.from({ length: 8 }, (_, at) => index(`f${at}`)),
  })
  const client = new pg.Client({ connectionString: fixture.database.url })
  await client.connect()
  const store = createStore({ connection: { client }, modules: { docs: documents({ many }) } })
  for (let subset = 1; subset < 256; subset += 1) {
    const fields = Array.from({ length: 8 }, (_, at) => `f${at}`).filter((_, at) => (subset >> at) & 1)
    expect(await store.docs.many.find(Object.fromEntries(fields.map((field) => [field, 'x'])))).toEqual([])
  }
  const { rows } = await client.query("select 1 from pg_prepared_statements where name like 'rf_query_%'")
  await client.end()
  expect(rows).toHaveLength(100)
})
