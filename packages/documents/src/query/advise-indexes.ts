import { defineStatement } from '@rillflow/core'
import { fullText, gin, index, type IndexDefinition } from '../collections/index-definition.js'
import { toTextArray, parseField } from '../collections/parse-field.js'
import type { Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import type { FieldUse, Shape } from './usage.js'

/** An index that queries have asked for. */
export interface IndexAdvice {
  readonly index: IndexDefinition
  /** What to write into the collection's `indexes`. */
  readonly code: string
  /** How many queries of this process it would have served. */
  readonly queries: number
  readonly cost: {
    /** About how many bytes it would take, judged by a sample; undefined for an index over words or whole documents. */
    readonly bytes: number | undefined
    /** About which share of the rate of bulk writes it would take, as measured for an index of its kind. */
    readonly writes: number
  }
}

/** Measured against a table without further indexes: what one more index takes of a bulk upsert's rate. */
const writeShare = { field: 0.12, gin: 0.42, fullText: 0.5 } as const

/** `[collection, path]`: how many live documents there are, and the bytes of the field, by at most 10,000 of them. */
const sampleField = defineStatement(
  'sample',
  (
    schema,
  ) => `select count(*)::text as sampled, coalesce(avg(pg_column_size(key) + octet_length(id)), 0)::text as bytes,
  (select count(*)::text from ${schema}.docs where collection = $1::text and deleted_at is null) as documents
from (
  select id, coalesce(doc #> $2::text[], 'null'::jsonb) as key from ${schema}.docs
  where collection = $1::text and deleted_at is null limit 10000
) as sample`,
)

/** An entry's header, its line pointer and the room that a page keeps free. */
const bytesOfEntry = 24

/** Tells which indexes the recorded queries of a collection would use, and what they cost. */
export async function adviseIndexes(
  collection: PreparedCollection,
  executor: Executor,
): Promise<readonly IndexAdvice[]> {
  const wanted = new Map<string, { readonly index: IndexDefinition; queries: number }>()
  for (const shape of collection.usage.shapes()) {
    const advised = adviseFor(shape, collection)
    if (advised === undefined) continue
    const code = toCode(advised)
    const known = wanted.get(code)
    if (known === undefined) wanted.set(code, { index: advised, queries: shape.queries })
    else known.queries += shape.queries
  }
  const sorted = [...wanted].toSorted(([, one], [, other]) => other.queries - one.queries)
  const advice: IndexAdvice[] = []
  for (const [code, { index: advised, queries }] of sorted) {
    const bytes = advised.kind === 'field' ? await sizeOf(collection, advised.fields, executor) : undefined
    advice.push({ index: advised, code, queries, cost: { bytes, writes: writeShare[advised.kind] } })
  }
  return advice
}

function adviseFor({ uses }: Shape, { declared, fields }: PreparedCollection): IndexDefinition | undefined {
  const own = uses.filter(({ field }) => field !== 'id')
  const fieldsOf = (...kinds: readonly FieldUse['use'][]): readonly string[] => [
    ...new Set(own.filter(({ use }) => kinds.includes(use)).map(({ field }) => field)),
  ]
  const searched = fieldsOf('search').find((field) => fields.languageOf(field) === undefined)
  if (searched !== undefined) return fullText(searched)
  const equal = fieldsOf('equal')
  if (fieldsOf('contains').length > 0 && !fields.hasGin) return gin()
  const next = fieldsOf('range', 'order').find((field) => !equal.includes(field))
  const leading = next === undefined ? equal : [...equal, next]
  const isServed = declared.some(({ index: { fields: has } }) => has[0] !== undefined && leading.includes(has[0]))
  if (leading.length === 0 || isServed || (fields.hasGin && equal.length > 0)) return undefined
  return index(leading.slice(0, 3))
}

function toCode(definition: IndexDefinition): string {
  switch (definition.kind) {
    case 'gin':
      return 'gin()'
    case 'fullText':
      return `fullText(${JSON.stringify(definition.fields[0])})`
    case 'field':
      return `index(${JSON.stringify(definition.fields.length === 1 ? definition.fields[0] : definition.fields)})`
  }
}

async function sizeOf(collection: PreparedCollection, fields: readonly string[], executor: Executor): Promise<number> {
  let bytes = bytesOfEntry
  let documents = 0
  for (const field of fields) {
    const values = [collection.name, toTextArray(parseField(field))]
    const { rows } = await executor.query<readonly [string, string, string]>(sampleField(executor.schema, values))
    bytes += Number(rows[0]?.[1] ?? 0)
    documents = Number(rows[0]?.[2] ?? 0)
  }
  return Math.round(bytes * documents)
}
