import { createStore, typed } from '@rillflow/core'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import {
  between,
  contains,
  defineCollection,
  documents,
  fullText,
  gin,
  gt,
  gte,
  ilike,
  index,
  oneOf,
  search,
  type Query,
} from '../src/index.js'
import { useDocuments } from './support/use-documents.js'

interface Order {
  readonly id: string
  readonly at: string
  readonly n: number
  readonly state: string
  readonly tags: readonly string[]
  readonly note: string
  readonly email: string
}

const schema = typed<Order>()
const collections = {
  fields: defineCollection('fields', {
    schema,
    indexes: [
      index('n'),
      index(['state', 'at']),
      index('email', { unique: true }),
      fullText('note', { language: 'english' }),
    ],
  }),
  gin: defineCollection('gin', { schema, indexes: [gin()] }),
}
const fixture = useDocuments(collections)

beforeAll(async () => {
  await fixture.database.query(`
    insert into rillflow.docs (collection, id, doc, version, created_at, updated_at)
    select collection, 'o' || n, jsonb_build_object('id', 'o' || n, 'n', n, 'state', 's' || n % 1000, 'email', n || '@x.io',
      'at', to_char(timestamp '2024-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"'),
      'tags', jsonb_build_array('t' || n % 500), 'note', 'the word' || n % 700 || ' runs'), 1, now(), now()
    from generate_series(1, 20000) as n, unnest(array['fields', 'gin', 'others']) as collection`)
  // With VACUUM, so that nothing is left for one that the server might begin by itself in the midst of the tests.
  await fixture.database.query('vacuum analyze rillflow.docs')
})

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PlanNode[]
}

const flatten = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)]

type Build = (query: Query<Order>) => Query<Order>

/** Runs a query so often that it is prepared, and gives its generic and its custom plan. */
async function plansOf(key: keyof typeof collections, build: Build): Promise<readonly (readonly PlanNode[])[]> {
  const client = new pg.Client({ connectionString: fixture.database.url })
  await client.connect()
  const sent: { readonly name?: string; readonly values?: readonly unknown[] }[] = []
  const listening = {
    query: (config: { readonly name?: string; readonly values?: unknown[] }) => {
      sent.push(config)
      return client.query(config as pg.QueryConfig)
    },
  }
  try {
    const store = createStore({ connection: { client: listening }, modules: { docs: documents(collections) } })
    await build(store.docs[key].query()).all()
    const { name, values = [] } = sent.at(-1) ?? {}
    expect(name).toMatch(/^rf_query_/)
    const plans: (readonly PlanNode[])[] = []
    for (const mode of ['force_generic_plan', 'force_custom_plan']) {
      await client.query(`set plan_cache_mode = ${mode}`)
      const list = values.map((value) => pg.escapeLiteral(String(value))).join(', ')
      const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
        `explain (format json) execute ${name}${list === '' ? '' : `(${list})`}`,
      )
      plans.push(flatten((rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan))
    }
    return plans
  } finally {
    await client.end()
  }
}

const ordered = ['Limit', 'Index Scan']
test.each<[string, keyof typeof collections, Build, RegExp, (readonly string[])?]>([
  ['one of some values', 'fields', (q) => q.where({ n: oneOf([5, 6, 7]) }), /_n_/],
  ['one of some unique values', 'fields', (q) => q.where({ email: oneOf(['5@x.io', '6@x.io']) }), /_email_/],
  ['a range of numbers', 'fields', (q) => q.where({ n: between(5, 9) }), /_n_/],
  [
    'a range in order, limited',
    'fields',
    (q) =>
      q
        .where({ n: gt(500) })
        .orderBy('n')
        .limit(10),
    /_n_/,
    ordered,
  ],
  ['an order, limited', 'fields', (q) => q.orderBy('n', 'desc').limit(10), /_n_/, ordered],
  [
    'equal and a range of dates, in order',
    'fields',
    (q) =>
      q
        .where({ state: 's5', at: gt(new Date('2024-01-05')) })
        .orderBy('at')
        .limit(5),
    /_state_at_/,
    ordered,
  ],
  ['words', 'fields', (q) => q.where({ note: search('word77 running') }), /_note_/],
  [
    'words in another language have no index',
    'fields',
    (q) => q.where({ note: search('word77', { language: 'simple' }) }),
    /^none$/,
  ],
  ['equal, by GIN', 'gin', (q) => q.where({ n: 77 }), /_gin_/],
  ['one of some, by GIN', 'gin', (q) => q.where({ state: oneOf(['s5', 's6']) }), /_gin_/],
  ['contains, by GIN', 'gin', (q) => q.where({ tags: contains(['t5']) }), /_gin_/],
])('%s: the index serves the prepared statement, generic and custom', async (_what, key, build, wanted, nodes) => {
  for (const plan of await plansOf(key, build)) {
    const used = plan.flatMap((node) => node['Index Name'] ?? [])
    if (wanted.source === '^none$') expect(used.join()).not.toMatch(/note/)
    else expect(used.join(), JSON.stringify(plan)).toMatch(wanted)
    if (nodes !== undefined) expect(plan.map((node) => node['Node Type'])).toEqual(nodes)
  }
})

test.each([
  ['a limit', (query: Query<Order>) => query.limit(2).all()],
  ['a page', (query: Query<Order>) => query.page(1)],
])('a query with %s that many share is planned once, not for each call', async (_, run) => {
  const pool = new pg.Pool({ connectionString: fixture.database.url, max: 1 })
  const store = createStore({ connection: { pool }, modules: { docs: documents(collections) } })
  for (let least = 0; least < 12; least += 1) {
    await run(store.docs.fields.query({ n: gte(least * 1_000) }).orderBy('n'))
  }
  const { rows } = await pool.query<{ generic: number; custom: number }>(
    `select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements
    where name like 'rf_query_%'`,
  )
  // PostgreSQL tries five times what a plan of its own would cost each call.
  expect(rows).toEqual([{ generic: 7, custom: 5 }])
  await pool.end()
})

test('a page far behind the first one is one short scan of the index', async () => {
  const query = fixture.store.docs.fields.query().orderBy('n')
  const { next } = await query.offset(15_000).page(1)
  for (const plan of await plansOf('fields', (q) =>
    q
      .orderBy('n')
      .limit(10)
      .after(next ?? ''),
  )) {
    expect(plan.map((node) => node['Node Type'])).toEqual(ordered)
    expect(plan.map((node) => (node as { 'Index Cond'?: string })['Index Cond']).join()).toContain('ROW(')
  }
})

test('explain names the declared indexes', async () => {
  const { fields } = fixture.store.docs
  expect((await fields.query({ n: 5 }).explain()).indexes).toEqual([index('n')])
  expect((await fixture.store.docs.gin.query({ n: 5 }).explain()).indexes).toEqual([gin()])
  const unserved = await fixture.store.docs.gin.query({ note: ilike('%x%') }).explain()
  expect(unserved.indexes).toEqual([])
})

test('a field that steps into an array is found without GIN, which cannot serve it', async () => {
  const found = await fixture.store.docs.gin.query({ ['tags.0' as never]: 't5' as never }).count()
  expect(found).toBe(40)
})
