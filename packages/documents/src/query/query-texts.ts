import { defineStatement, type Statement } from '@rillflow/core'

type Prepared = ReturnType<typeof defineStatement>

/** Beyond that many different texts for one collection, further ones are sent unnamed: servers keep named ones for good. */
const maxTexts = 100

/** Stands for the schema in a text that is the same for all of them; nobody else's text can hold it. */
export const schemaToken = '\0schema\0'

/** The statements of one collection's queries: each text is named and prepared when it is first met. */
export class QueryTexts {
  readonly #prepared = new Map<string, Prepared>()

  statement(text: string, schema: string, values: readonly unknown[], operation = 'query'): Statement {
    const known = this.#prepared.get(text)
    const make = known ?? defineStatement(operation, (name) => text.replaceAll(schemaToken, name))
    if (known === undefined && this.#prepared.size >= maxTexts) return { ...make(schema, values), name: undefined }
    this.#prepared.set(text, make)
    return make(schema, values)
  }
}
