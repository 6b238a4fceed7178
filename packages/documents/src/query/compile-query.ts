import { InvalidArgumentError, jsonText, literal } from '@rillflow/core'
import { micros } from '../sql/micros.js'
import { Bindings } from './bindings.js'
import { compileCondition, type Compilation, type Use } from './compile-condition.js'
import { readCursor, type CursorPlace } from './cursor.js'
import { bindPath, type Fields } from './fields.js'
import type { QueryState, Sort } from './query-state.js'
import { schemaToken } from './query-texts.js'

/** A query as text and values; the schema is still open. */
export interface CompiledText {
  readonly text: string
  readonly bindings: Bindings
}

/** The collection that a query is compiled for. */
export interface QueryTarget {
  readonly name: string
  readonly fields: Fields
  uses(field: string, use: Use | 'order'): void
}

/** Writes the rows of a query as one statement; with `places`, each row also has what a cursor is made of. */
export function compileRows(target: QueryTarget, state: QueryState, places: boolean): CompiledText {
  const writer = new QueryWriter(target)
  return writer.rows(state, places)
}

/** Writes a statement over all that a query finds, whatever its order. */
export function compileOver(
  target: QueryTarget,
  state: QueryState,
  write: (to: Compilation) => { readonly columns: readonly string[]; readonly groups: readonly string[] },
): CompiledText {
  const writer = new QueryWriter(target)
  const { columns, groups } = write(writer)
  const grouping = groups.length === 0 ? '' : ` group by ${groups.join(', ')} order by ${groups.join(', ')}`
  return { text: `select ${columns.join(', ')}\n${writer.from(state)}${grouping}`, bindings: writer.bindings }
}

class QueryWriter implements Compilation {
  readonly #target: QueryTarget
  readonly bindings = new Bindings()

  constructor(target: QueryTarget) {
    this.#target = target
  }

  get fields(): Fields {
    return this.#target.fields
  }

  uses(field: string, use: Use): void {
    this.#target.uses(field, use)
  }

  rows(state: QueryState, places: boolean): CompiledText {
    const keys = state.sorts.map((sort) => this.#sortKey(sort))
    const columns = [...this.#columns(state), ...(places ? placeColumns(keys, state.metadata) : [])]
    const from = this.from(state)
    const after =
      state.after === undefined ? '' : ` and ${this.#beyond(state, keys, readCursor(state.sorts, state.after))}`
    const order = orderTerms(state.sorts, keys).map(({ sql, descending }) => `${sql}${descending ? ' desc' : ''}`)
    const text = `select ${columns.join(', ')}\n${from}${after}\norder by ${order.join(', ')}${this.#window(state)}`
    return { text, bindings: this.bindings }
  }

  from({ conditions, deleted }: QueryState): string {
    const scope = {
      without: ' and deleted_at is null',
      with: '',
      only: ' and deleted_at is not null',
    }[deleted]
    const where = conditions.map((condition) => ` and ${compileCondition(condition, this)}`).join('')
    return `from ${schemaToken}.docs where collection = ${literal(this.#target.name)}${scope}${where}`
  }

  #sortKey({ field }: Sort): string {
    this.#target.uses(field, 'order')
    return field === 'id' ? 'id' : this.fields.sortKey(field, this.bindings)
  }

  #columns({ fields, metadata, inclusions }: QueryState): readonly string[] {
    const doc =
      fields === undefined
        ? [`${jsonText('doc')} as doc`]
        : fields.map((field, at) => `(doc #> ${bindPath(field, this.bindings)})::text as f${at}`)
    const known = ['id', 'version::text as version', micros('created_at'), micros('updated_at'), micros('deleted_at')]
    return [...doc, ...(metadata ? known : []), ...inclusions.map((inclusion, at) => this.#included(inclusion, at))]
  }

  /** By the primary key, once for each row. */
  #included({ collection, field }: QueryState['inclusions'][number], at: number): string {
    return `(select other.doc::text from ${schemaToken}.docs as other
  where other.collection = ${literal(collection)} and other.id = docs.doc #>> ${bindPath(field, this.bindings)}
    and other.deleted_at is null) as i${at}`
  }

  #window({ limit, offset }: QueryState): string {
    const bound = (word: string, value: unknown): string => {
      if (value === undefined) return ''
      if (word === 'limit' && isSharedLimit(value)) return ` limit ${value}`
      return ` ${word} ${this.bindings.bind(value, encodeCount)}::bigint`
    }
    return `${bound('limit', limit)}${bound('offset', offset)}`
  }

  /** What comes behind a place: as one comparison of rows where the order runs one way, since an index serves that. */
  #beyond({ sorts }: QueryState, keys: readonly string[], place: CursorPlace): string {
    const values = [...place.keys.map((key, at) => this.#bindKey(sorts[at] as Sort, key)), this.#bindText(place.id)]
    const terms = orderTerms(sorts, keys)
    if (terms.length === values.length && terms.every(({ descending }) => descending === terms[0]?.descending)) {
      const comparison = terms[0]?.descending === true ? '<' : '>'
      return `(${terms.map(({ sql }) => sql).join(', ')}) ${comparison} (${values.join(', ')})`
    }
    return stepwise(orderTerms(sorts, keys), orderTerms(sorts, values))
  }

  #bindKey({ field }: Sort, key: string): string {
    if (field === 'id') return this.#bindText(JSON.parse(key) as string)
    return `${this.bindings.bind(key, String)}::jsonb`
  }

  #bindText(text: string): string {
    return `${this.bindings.bind(text, String)}::text`
  }
}

/**
 * Limits that many queries share, and those of their pages, which ask for one row more. They stand in the text: behind a
 * limit that it does not know PostgreSQL expects so many rows that it plans every call anew, which takes longer than the
 * query. Other limits are parameters, so that the texts stay few.
 */
const sharedLimits: ReadonlySet<unknown> = new Set(
  [1, 2, 3, 5, 10, 15, 20, 25, 30, 50, 100, 200, 250, 500, 1_000].flatMap((limit) => [limit, limit + 1]),
)

function isSharedLimit(value: unknown): value is number {
  return sharedLimits.has(value)
}

interface OrderTerm {
  readonly sql: string
  readonly descending: boolean
}

/** What the rows are ordered by: the id comes last, so that every order is total, and turns with the field before it. */
function orderTerms(sorts: readonly Sort[], keys: readonly string[]): readonly OrderTerm[] {
  const terms = sorts.flatMap(({ field, descending, nullsFirst }, at): readonly OrderTerm[] => {
    const sql = keys[at] as string
    // A null is the least of all values: it stands first or last by itself, unless the other end is asked for.
    if (field === 'id' || nullsFirst === undefined || nullsFirst !== descending) return [{ sql, descending }]
    return [
      { sql: `(${sql} = 'null'::jsonb)`, descending: nullsFirst },
      { sql, descending },
    ]
  })
  const id = keys[sorts.length] ?? 'id'
  return [...terms, { sql: id, descending: terms.at(-1)?.descending ?? false }]
}

/** Behind the place in the first term, or equal there and behind it in the next one, and so on. */
function stepwise(terms: readonly OrderTerm[], values: readonly OrderTerm[]): string {
  const behind = terms.map(({ sql, descending }, at) => {
    const equal = terms.slice(0, at).map((term, before) => `${term.sql} = ${values[before]?.sql}`)
    return `(${[...equal, `${sql} ${descending ? '<' : '>'} ${values[at]?.sql}`].join(' and ')})`
  })
  return `(${behind.join(' or ')})`
}

function placeColumns(keys: readonly string[], hasId: boolean): readonly string[] {
  const columns = keys.map((key, at) => `${key === 'id' ? 'to_json(id)' : key}::text as k${at}`)
  return hasId ? columns : ['id', ...columns]
}

function encodeCount(count: unknown): string {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return `${count}`
  throw new InvalidArgumentError('limit', 'A limit or offset is a whole number from 0.')
}
