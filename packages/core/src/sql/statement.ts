import { createHash } from 'node:crypto'
import { ident } from './ident.js'

/** One SQL statement as it goes to the driver. */
export interface Statement {
  /** Names the operation in errors and, with a hash of the text, the prepared statement. */
  readonly operation: string
  readonly text: string
  readonly values: readonly unknown[]
  /** Prepared under this name; undefined for statements that are run once. */
  readonly name?: string | undefined
}

/** Each connection keeps every name for its life; schemas beyond that many get their statements unprepared. */
const maxSchemas = 200

/**
 * Makes a named, prepared statement whose text is built once per schema.
 *
 * `build` gets the quoted schema name. Every column that it selects must be text, boolean or int4, with a name of its
 * own: nothing then depends on the driver's type parsers.
 *
 * @example
 * ```ts
 * import { defineStatement } from '@rillflow/core'
 *
 * const head = defineStatement('head', (schema) => `select ${schema}.safe_head()::text as head`)
 * head('rillflow', []) // { operation: 'head', name: 'rf_head_…', text: '/* rillflow:head *\/ select …', values: [] }
 * ```
 */
export function defineStatement(
  operation: string,
  build: (schema: string) => string,
): (schema: string, values: readonly unknown[]) => Statement {
  const bySchema = new Map<string, { readonly name: string; readonly text: string }>()
  return (schema, values) => {
    let made = bySchema.get(schema)
    if (made === undefined) {
      const body = build(ident(schema))
      if (bySchema.size >= maxSchemas) return { operation, text: comment(operation, body), values }
      made = prepareText(operation, body)
      bySchema.set(schema, made)
    }
    return { operation, name: made.name, text: made.text, values }
  }
}

/** Puts the operation in front, so that logs and pg_stat_statements name it. */
function comment(operation: string, body: string): string {
  return `/* rillflow:${operation} */ ${body}`
}

/** Names a text after its operation and its own hash, so that one name never stands for two texts. */
export function prepareText(operation: string, body: string): { readonly name: string; readonly text: string } {
  const text = comment(operation, body)
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { name: `rf_${operation.replaceAll(/\W/g, '_').slice(0, 40)}_${hash}`, text }
}

const cast = '/*::text*/'

/**
 * Selects a JSON expression as its text. node-postgres gives the text of every column, and for it the cast, which costs
 * the server a tenth of a read, stays a comment; for a driver that parses JSON itself it is made.
 */
export function jsonText(expression: string): string {
  return `${expression}${cast}`
}

/** The text for a driver that would parse JSON itself. */
export function withJsonCast(text: string): string {
  return text.replaceAll(cast, '::text')
}
