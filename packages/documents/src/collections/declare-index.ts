import { createHash } from 'node:crypto'
import { literal, type DeclaredIndex } from '@rillflow/core'
import type { IndexDefinition } from './index-definition.js'
import { parseField, toTextArray } from './parse-field.js'

/**
 * The SQL of a field inside a document, with its path as a constant.
 *
 * It is jsonb and not text, so that one index tells 5 from '5' and orders each type on its own. A constant is what the
 * planner can match with an index; only fields that the program itself declares get one.
 */
export function fieldExpression(field: string): string {
  return `(doc #> ${literal(toTextArray(parseField(field)))}::text[])`
}

/** What leaves nulls out of a unique index, so that they never collide; a query must say it too to use the index. */
export function notNull(field: string): string {
  return `${fieldExpression(field)} <> 'null'::jsonb`
}

/** The index of one collection as `@rillflow/schema` makes it. */
export function declareIndex(collection: string, index: IndexDefinition): DeclaredIndex {
  const definition = `on :"schema".docs (${columns(index)}) where ${predicate(collection, index)}`
  return { name: indexName(collection, index, definition), definition, unique: index.unique }
}

/** The id comes last, so that equal values stand in the order of a result and a limit needs no sort. */
function columns({ fields, unique }: IndexDefinition): string {
  return [...fields.map(fieldExpression), ...(unique ? [] : ['id'])].join(', ')
}

function predicate(collection: string, { fields, unique }: IndexDefinition): string {
  const own = [`collection = ${literal(collection)}`, 'deleted_at is null']
  return [...own, ...(unique ? fields.map(notNull) : [])].join(' and ')
}

/** At most 4 + 1 + 20 + 1 + 20 + 1 + 12 bytes; another definition makes another name, never a silent mix-up. */
function indexName(collection: string, { fields, unique }: IndexDefinition, definition: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([unique, definition]))
    .digest('hex')
    .slice(0, 12)
  return `docs_${slug(collection)}_${slug(fields.join('_'))}_${hash}`
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 20)
}
