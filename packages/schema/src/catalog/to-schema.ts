import { ident, literal } from '@rillflow/core'
import type { CatalogObject } from './read-objects.js'

/** From which schema's name to which. */
export interface SchemaNames {
  /** Random, so that wherever it stands it is meant. */
  readonly scratch: string
  readonly schema: string
  /** The name of `schema` as the server writes it. */
  readonly quoted: string
}

/** Writes an object of the scratch schema as it would be in the other. */
export function toSchema(object: CatalogObject, names: SchemaNames): CatalogObject {
  const { scratch, schema, quoted } = names
  // The server writes a string its own way; a body is the text that `renderSql` made.
  const deparsed = `'${schema.replaceAll("'", "''")}'`
  const replace = (text: string, constant: string): string =>
    text
      .replaceAll(ident(scratch), () => ident(schema))
      .replaceAll(`'${scratch}'`, () => constant)
      .replaceAll(scratch, () => quoted)
  return {
    ...object,
    definition: replace(object.definition, deparsed),
    body: object.body === undefined ? undefined : replace(object.body, literal(schema)),
  }
}
