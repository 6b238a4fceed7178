import { createHash } from 'node:crypto'
import { literal, type DeclaredIndex } from '@rillflow/core'
import type { FieldIndex, FullTextIndex, IndexDefinition } from './index-definition.js'
import { parseField, toTextArray } from './parse-field.js'
import { regconfig } from './text-search.js'

/**
 * The path of a field as a constant, which is what the planner can match with an index; only fields that the program
 * itself declares get one.
 */
export function pathConstant(field: string): string {
  return `${literal(toTextArray(parseField(field))).trimStart()}::text[]`
}

/**
 * What a field is sorted by, given the SQL of its path.
 *
 * It is jsonb and not text, so that one index tells 5 from '5' and orders each type on its own. An absent field sorts as
 * a null: without a null of SQL, a keyset is one comparison that an index serves.
 */
export function sortKey(path: string): string {
  return `coalesce(doc #> ${path}, 'null'::jsonb)`
}

/** What leaves nulls out of a unique index, so that they never collide; a query must say it too to use the index. */
export function notNull(field: string): string {
  return `${sortKey(pathConstant(field))} <> 'null'::jsonb`
}

/** The words in a field, given the SQL of its path. */
export function words(path: string, language: FullTextIndex['language']): string {
  return `to_tsvector(${regconfig(language)}, doc #> ${path})`
}

/** The index of one collection as `@rillflow/schema` makes it. */
export function declareIndex(collection: string, index: IndexDefinition): DeclaredIndex {
  const definition = `on :"schema".docs ${columns(index)} where ${predicate(collection, index)}`
  return { name: indexName(collection, index, definition), definition, unique: index.unique }
}

function columns(index: IndexDefinition): string {
  switch (index.kind) {
    case 'field':
      return `(${fieldColumns(index).join(', ')})`
    case 'gin':
      return 'using gin (doc jsonb_path_ops)'
    case 'fullText':
      return `using gin ((${words(pathConstant(index.fields[0] as string), index.language)}))`
  }
}

/** The id comes last, so that equal values stand in the order of a result and a limit needs no sort. */
function fieldColumns({ fields, unique }: FieldIndex): readonly string[] {
  return [...fields.map((field) => `(${sortKey(pathConstant(field))})`), ...(unique ? [] : ['id'])]
}

function predicate(collection: string, { fields, unique }: IndexDefinition): string {
  const own = [`collection = ${literal(collection)}`, 'deleted_at is null']
  return [...own, ...(unique ? fields.map(notNull) : [])].join(' and ')
}

/** At most 4 + 1 + 20 + 1 + 20 + 1 + 12 bytes; another definition makes another name, never a silent mix-up. */
function indexName(collection: string, index: IndexDefinition, definition: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([index.unique, definition]))
    .digest('hex')
    .slice(0, 12)
  return `docs_${slug(collection)}_${slug(index.kind === 'gin' ? 'gin' : index.fields.join('_'))}_${hash}`
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 20)
}
