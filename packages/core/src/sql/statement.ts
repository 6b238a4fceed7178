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

/** Beyond that many schemas, statements of the least recently made ones lose their names. */
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
      made = prepareText(operation, build(ident(schema)))
      if (bySchema.size >= maxSchemas) bySchema.delete(bySchema.keys().next().value as string)
      bySchema.set(schema, made)
    }
    return { operation, name: made.name, text: made.text, values }
  }
}

/** Names a text after its operation and its own hash, so that one name never stands for two texts. */
export function prepareText(operation: string, body: string): { readonly name: string; readonly text: string } {
  const text = `/* rillflow:${operation} */ ${body}`
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { name: `rf_${operation.replaceAll(/\W/g, '_').slice(0, 40)}_${hash}`, text }
}
