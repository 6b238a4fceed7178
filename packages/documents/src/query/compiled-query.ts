import { InvalidArgumentError, validate, type StandardSchemaV1 } from '@rillflow/core'
import type { Collection } from '../collections/define-collection.js'
import { quote } from '../describe-document.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { CollectionQuery } from './collection-query.js'
import { compileRows, type CompiledText } from './compile-query.js'
import { param, type Param } from './param.js'
import type { Query } from './query.js'
import type { QueryState } from './query-state.js'
import type { FieldUse } from './usage.js'

/** The places of a compiled query's parameters. */
export type Params<Values> = { readonly [Name in keyof Values]-?: Param<Exclude<Values[Name], null | undefined>> }

/** A query whose text is made once. `run` of its collection gives it values. */
export interface CompiledQuery<Values = unknown, Row = unknown> {
  readonly collection: string
  readonly params: StandardSchemaV1
  readonly state: QueryState
  /** For the compiler alone; never there. */
  readonly types?: { readonly values: Values; readonly row: Row }
}

type RowOf<Described> = Described extends AsyncIterable<infer Row> ? Row : never

/**
 * Makes a query once, to be run many times with other values. It is a plain value: nothing is sent.
 *
 * @param params a Standard Schema of an object: its values are checked at each run; `typed<…>()` checks nothing.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { compileQuery, defineCollection, gte } from '@rillflow/documents'
 *
 * const Customer = defineCollection('customers', { schema: typed<{ id: string; tier: string; visits: number }>() })
 * const regulars = compileQuery(Customer, typed<{ tier: string; visits: number }>(), (customers, { tier, visits }) =>
 *   customers.where({ tier, visits: gte(visits) }).orderBy('visits', 'desc').limit(10),
 * )
 * // await store.docs.customers.run(regulars, { tier: 'pro', visits: 5 })
 * ```
 */
export function compileQuery<
  Definition extends Collection,
  Schema extends StandardSchemaV1<unknown, object>,
  Described extends AsyncIterable<unknown>,
>(
  collection: Definition,
  params: Schema,
  build: (
    query: Query<StandardSchemaV1.InferOutput<Definition['schema']>>,
    params: Params<StandardSchemaV1.InferOutput<Schema>>,
  ) => Described,
): CompiledQuery<StandardSchemaV1.InferInput<Schema>, RowOf<Described>> {
  const built = build(new CollectionQuery(undefined) as never, places() as never)
  if (built instanceof CollectionQuery) return { collection: collection.name, params, state: built.state }
  throw new InvalidArgumentError('build', 'compileQuery: the function must return the query that it was given.')
}

/** Every name that is read is the place of a value. */
function places(): object {
  return new Proxy({}, { get: (_target, name) => (typeof name === 'string' ? param(name) : undefined) })
}

/** Texts by query: of each collection, because its indexes have a say in them. */
const texts = new WeakMap<PreparedCollection, WeakMap<CompiledQuery, CompiledText & { readonly uses: FieldUse[] }>>()

/** Runs a compiled query. */
export async function runCompiled(
  source: ConstructorParameters<typeof CollectionQuery>[0] & object,
  query: CompiledQuery,
  params: unknown,
): Promise<readonly unknown[]> {
  const { collection } = source
  if (query.collection !== collection.name) {
    throw new InvalidArgumentError(
      'query',
      `The query was compiled for ${quote(query.collection)} and cannot be run on ${quote(collection.name)}.`,
    )
  }
  const values = await validate(query.params, params, 'parameters of a compiled query')
  const compiled = textOf(collection, query)
  collection.usage.record(compiled.uses)
  return new CollectionQuery(source, query.state).runCompiled(compiled, values as Readonly<Record<string, unknown>>)
}

function textOf(collection: PreparedCollection, query: CompiledQuery): CompiledText & { readonly uses: FieldUse[] } {
  let own = texts.get(collection)
  if (own === undefined) texts.set(collection, (own = new WeakMap()))
  let compiled = own.get(query)
  if (compiled === undefined) {
    const uses: FieldUse[] = []
    const target = { ...collection, uses: (field: string, use: FieldUse['use']) => void uses.push({ field, use }) }
    own.set(query, (compiled = { ...compileRows(target, query.state, false), uses }))
  }
  return compiled
}
