import { InvalidArgumentError, isRillflowError, type DatabaseError, type Scope } from '@rillflow/core'
import { parseField } from '../collections/parse-field.js'
import { NotSingleError } from '../errors.js'
import { execute, type Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { aggregateColumns, readAggregates, type Aggregate } from './aggregates.js'
import { compileOver, compileRows, type CompiledText } from './compile-query.js'
import type { AnyCondition } from './condition.js'
import { writeCursor } from './cursor.js'
import { explainStatement, readExplanation, type Explanation } from './explain-query.js'
import type { Page } from './query.js'
import { everything, type QueryState, type Sort } from './query-state.js'
import { placeOf, readRows, type RawRow } from './read-rows.js'
import type { FieldUse } from './usage.js'

const defaultPageSize = 500

type Rows = readonly unknown[]

/** Where a query is sent; undefined for one that is only described, as a compiled one is. */
export interface QuerySource {
  readonly collection: PreparedCollection
  readonly scope: Scope
}

/** A query before its types are put on; see `Query`. */
export class CollectionQuery implements AsyncIterable<unknown> {
  readonly #source: QuerySource | undefined
  readonly state: QueryState

  constructor(source: QuerySource | undefined, state: QueryState = everything) {
    this.#source = source
    this.state = state
  }

  where(condition: AnyCondition): CollectionQuery {
    return this.#with({ conditions: [...this.state.conditions, condition] })
  }

  orderBy(field: string, order: unknown = 'asc'): CollectionQuery {
    return this.#with({ sorts: [...this.state.sorts, toSort(field, order)] })
  }

  limit(limit: unknown): CollectionQuery {
    return this.#with({ limit })
  }

  offset(offset: unknown): CollectionQuery {
    return this.#with({ offset })
  }

  after(after: string): CollectionQuery {
    return this.#with({ after })
  }

  withDeleted(): CollectionQuery {
    return this.#with({ deleted: 'with' })
  }

  onlyDeleted(): CollectionQuery {
    return this.#with({ deleted: 'only' })
  }

  select(...fields: readonly string[]): CollectionQuery {
    if (fields.length === 0) throw new InvalidArgumentError('fields', 'select needs at least one field.')
    for (const field of fields) parseField(field)
    return this.#with({ fields })
  }

  withMetadata(): CollectionQuery {
    return this.#with({ metadata: true })
  }

  include(name: string, { name: collection }: { readonly name: string }, field: string): CollectionQuery {
    parseField(field)
    const inclusions = [...this.state.inclusions, { name, collection, field }]
    return this.#with({ inclusions, metadata: true })
  }

  async all(): Promise<Rows> {
    return this.#run('query', async (executor) => {
      const rows = await this.#fetch(
        executor,
        this.#compile((state) => compileRows(this.#target, state, false)),
      )
      return readRows(this.#collection, this.state, rows)
    })
  }

  async first(): Promise<unknown> {
    return (await this.#atMost(1))[0]
  }

  async optional(): Promise<unknown> {
    const rows = await this.#atMost(2)
    if (rows.length > 1) throw new NotSingleError(this.#collection.name, 'several')
    return rows[0]
  }

  async one(): Promise<unknown> {
    const row = await this.optional()
    if (row === undefined) throw new NotSingleError(this.#collection.name, 'none')
    return row
  }

  async count(): Promise<number> {
    return (await this.aggregate({ count: { kind: 'count', field: '' } }))['count'] as number
  }

  async page(size: number, after: string | undefined = this.state.after): Promise<Page> {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new InvalidArgumentError('size', 'The size of a page is a whole number from 1.')
    }
    // One more than asked for tells whether there is a next page.
    const state = { ...this.state, after, limit: size + 1, offset: after === undefined ? this.state.offset : undefined }
    return this.#run('query', async (executor) => {
      const found = await this.#fetch(
        executor,
        this.#compile(() => compileRows(this.#target, state, true)),
      )
      const rows = found.slice(0, size)
      const last = rows.at(-1)
      const next = found.length > size && last ? writeCursor(state.sorts, placeOf(state, last)) : undefined
      return { rows: await readRows(this.#collection, state, rows), next }
    })
  }

  async *iterate(options: { readonly pageSize?: number | undefined } = {}): AsyncGenerator {
    const pageSize = options.pageSize ?? defaultPageSize
    let left = this.state.limit === undefined ? Number.POSITIVE_INFINITY : (this.state.limit as number)
    let after = this.state.after
    while (left > 0) {
      const page: Page = await this.page(Math.min(pageSize, left), after)
      yield* page.rows
      if (page.next === undefined) return
      left -= page.rows.length
      after = page.next
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator {
    return this.iterate()
  }

  async aggregate(spec: Readonly<Record<string, Aggregate>>): Promise<Record<string, unknown>> {
    const [row] = await this.#aggregate([], spec)
    return readAggregates(spec, row ?? [])
  }

  groupBy(...fields: readonly string[]): {
    aggregate(spec: Readonly<Record<string, Aggregate>>): Promise<readonly object[]>
  } {
    if (fields.length === 0) throw new InvalidArgumentError('fields', 'groupBy needs at least one field.')
    for (const field of fields) parseField(field)
    return {
      aggregate: async (spec) => {
        if (Object.hasOwn(spec, 'group')) throw new InvalidArgumentError('spec', 'group is the name of the fields.')
        const rows = await this.#aggregate(fields, spec)
        return rows.map((row) => {
          const values = fields.map((field, at) => [field, JSON.parse(row[at] as string) as unknown] as const)
          return { group: Object.fromEntries(values), ...readAggregates(spec, row.slice(fields.length)) }
        })
      },
    }
  }

  async explain(): Promise<Explanation> {
    return this.#run('explain', async (executor) => {
      const { text, bindings } = this.#compile((state) => compileRows(this.#target, state, false))
      const statement = this.#collection.texts.statement(text, executor.schema, bindings.values())
      const { rows } = await executor.query<readonly [string]>(explainStatement(statement))
      return readExplanation((rows[0] as readonly [string])[0], this.#collection.declared)
    })
  }

  /** The rows of a text that was compiled before. */
  async runCompiled(compiled: CompiledText, params: Readonly<Record<string, unknown>>): Promise<Rows> {
    return this.#run('query', async (executor) => {
      return readRows(this.#collection, this.state, await this.#fetch(executor, compiled, params))
    })
  }

  #with(change: Partial<QueryState>): CollectionQuery {
    return new CollectionQuery(this.#source, { ...this.state, ...change })
  }

  async #atMost(count: number): Promise<Rows> {
    const { limit } = this.state
    return this.limit(typeof limit === 'number' ? Math.min(limit, count) : count).all()
  }

  async #aggregate(
    fields: readonly string[],
    spec: Readonly<Record<string, Aggregate>>,
  ): Promise<readonly (readonly (string | null)[])[]> {
    return this.#run('aggregate', (executor) => {
      const compiled = this.#compile((state) =>
        compileOver(this.#target, state, (to) => {
          const groups = fields.map((field) => to.fields.sortKey(field, to.bindings))
          const keys = groups.map((group, at) => `${group}::text as g${at}`)
          return { columns: [...keys, ...aggregateColumns(spec, to)], groups }
        }),
      )
      return this.#fetch(executor, compiled)
    })
  }

  #uses: FieldUse[] = []

  get #target(): Parameters<typeof compileRows>[0] {
    const { name, fields } = this.#collection
    return { name, fields, uses: (field, use) => void this.#uses.push({ field, use }) }
  }

  /** Compiles, and remembers what the query uses for the index advisor. */
  #compile(compile: (state: QueryState) => CompiledText): CompiledText {
    this.#uses = []
    const compiled = compile(this.state)
    this.#collection.usage.record(this.#uses)
    return compiled
  }

  get #collection(): PreparedCollection {
    return this.#required.collection
  }

  get #required(): QuerySource {
    if (this.#source !== undefined) return this.#source
    throw new InvalidArgumentError('query', 'A query that is being compiled is run by `run`, not by its own methods.')
  }

  async #run<Result>(operation: string, work: (executor: Executor) => Promise<Result>): Promise<Result> {
    const { scope } = this.#required
    return execute({ kind: 'read', operation, scope }, work)
  }

  async #fetch(
    executor: Executor,
    { text, bindings }: CompiledText,
    params?: Readonly<Record<string, unknown>>,
  ): Promise<readonly RawRow[]> {
    const statement = this.#collection.texts.statement(text, executor.schema, bindings.values(params))
    try {
      return (await executor.query<RawRow>(statement)).rows
    } catch (error) {
      throw isInvalidRegex(error) ? invalidRegex() : error
    }
  }
}

function toSort(field: string, order: unknown): Sort {
  parseField(field)
  const { direction, nulls } = (typeof order === 'string' ? { direction: order } : (order ?? {})) as Record<
    string,
    unknown
  >
  if (direction !== undefined && direction !== 'asc' && direction !== 'desc') refuseOrder('direction is asc or desc')
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last') refuseOrder('nulls is first or last')
  return { field, descending: direction === 'desc', nullsFirst: nulls === undefined ? undefined : nulls === 'first' }
}

function refuseOrder(what: string): never {
  throw new InvalidArgumentError('order', `orderBy: ${what}.`)
}

/** 2201B: the one operator whose operand only the server can judge. */
function isInvalidRegex(error: unknown): boolean {
  return isRillflowError(error, 'DatabaseError') && (error as DatabaseError).sqlState === '2201B'
}

function invalidRegex(): InvalidArgumentError {
  return new InvalidArgumentError('filter', 'The pattern of regex is no regular expression as PostgreSQL has them.')
}
