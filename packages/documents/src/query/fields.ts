import { notNull, pathConstant, sortKey, words } from '../collections/declare-index.js'
import type { IndexDefinition } from '../collections/index-definition.js'
import { parseField, toTextArray } from '../collections/parse-field.js'
import type { TextSearchLanguage } from '../collections/text-search.js'
import type { Bindings } from './bindings.js'

/** What the declared indexes of a collection mean for the SQL of its fields. */
export class Fields {
  readonly #unique = new Map<string, boolean>()
  readonly #languages = new Map<string, TextSearchLanguage>()
  readonly hasGin: boolean

  constructor(indexes: readonly IndexDefinition[]) {
    for (const index of indexes) {
      for (const field of index.fields) {
        if (index.kind === 'fullText') this.#languages.set(field, index.language)
        else this.#unique.set(field, index.unique || (this.#unique.get(field) ?? false))
      }
    }
    this.hasGin = indexes.some(({ kind }) => kind === 'gin')
  }

  isIndexed(field: string): boolean {
    return this.#unique.has(field)
  }

  languageOf(field: string): TextSearchLanguage | undefined {
    return this.#languages.get(field)
  }

  /** Only a declared field is a constant; any other one is a parameter, so that its name makes no text of its own. */
  path(field: string, bindings: Bindings): string {
    return this.isIndexed(field) ? pathConstant(field) : bindPath(field, bindings)
  }

  /** What a field is sorted by. */
  sortKey(field: string, bindings: Bindings): string {
    return sortKey(this.path(field, bindings))
  }

  /** The words in a field; as a constant where an index has them. */
  words(field: string, language: TextSearchLanguage, bindings: Bindings): string {
    return words(this.#languages.get(field) === language ? pathConstant(field) : bindPath(field, bindings), language)
  }

  /** What a query on an indexed field must add, so that a partial index on it may be used. */
  partial(field: string): string {
    return this.#unique.get(field) === true ? ` and ${notNull(field)}` : ''
  }
}

/** A path as a parameter. */
export function bindPath(field: string, bindings: Bindings): string {
  return `${bindings.bind(toTextArray(parseField(field)), String)}::text[]`
}

/** A field that steps into an array by a number is not what containment looks at. */
export function isContainable(field: string): boolean {
  return !parseField(field).some((segment) => /^-?\d+$/.test(segment))
}

/** Writes the document that has the value in the field, and nothing else. */
export function nest(field: string, json: string): string {
  return parseField(field).reduceRight((inner, segment) => `{${JSON.stringify(segment)}:${inner}}`, json)
}
