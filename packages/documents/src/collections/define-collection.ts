import { InvalidConfigError, type StandardSchemaV1 } from '@rillflow/core'
import { quote } from '../describe-document.js'
import { checkCollectionName } from './check-names.js'
import type { FieldOf } from './field-types.js'
import type { IndexDefinition } from './index-definition.js'

/** Any Standard Schema whose documents have an id. */
export type DocumentSchema = StandardSchemaV1<unknown, { readonly id: string }>

/** Documents of one kind: where they are kept, what they look like and how they are found. */
export interface Collection<Schema extends DocumentSchema = DocumentSchema> {
  readonly name: string
  readonly schema: Schema
  readonly indexes: readonly IndexDefinition[]
  readonly validateReads: boolean
}

/** What a collection is made of. */
export interface CollectionOptions<Schema extends DocumentSchema> {
  /** Any Standard Schema; what it makes of a document (its output) is what is stored. It must have `id: string`. */
  readonly schema: Schema
  readonly indexes?: readonly IndexDefinition<FieldOf<StandardSchemaV1.InferOutput<Schema>>>[] | undefined
  /**
   * True also validates what is read, and gives what the schema makes of it: for documents that others write, or that are
   * older than the schema. False unless told.
   */
  readonly validateReads?: boolean | undefined
}

/**
 * Defines a collection: a plain value to put into `documents({ … })`. Nothing is created.
 *
 * @param name what the documents are stored under: 1 to 128 bytes without NUL. Renaming it leaves them behind.
 * @throws InvalidArgument for a name that does not fit, InvalidConfig for a missing schema or a field indexed twice.
 *
 * @example
 * ```ts
 * import { defineCollection, index } from '@rillflow/documents'
 * import { z } from 'zod'
 *
 * const Customer = defineCollection('customers', {
 *   schema: z.object({ id: z.string(), email: z.email(), tier: z.enum(['free', 'pro']) }),
 *   indexes: [index('email', { unique: true })],
 * })
 * ```
 */
export function defineCollection<Schema extends DocumentSchema>(
  name: string,
  options: CollectionOptions<Schema>,
): Collection<Schema> {
  const { schema, indexes = [] } = options
  checkCollectionName(name)
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidConfigError(
      `The collection ${quote(name)} needs a schema: any Standard Schema, or typed<Document>() to check nothing.`,
    )
  }
  checkIndexes(name, indexes)
  return { name, schema, indexes, validateReads: options.validateReads ?? false }
}

function checkIndexes(name: string, indexes: readonly IndexDefinition[]): void {
  const seen = new Set<string>()
  for (const { kind, fields } of indexes) {
    const key = JSON.stringify([kind, fields])
    if (seen.has(key)) {
      const over = kind === 'gin' ? 'the whole documents' : fields.map(quote).join(', ')
      throw new InvalidConfigError(`The collection ${quote(name)} declares two indexes on ${over}; keep one of them.`)
    }
    seen.add(key)
  }
}
