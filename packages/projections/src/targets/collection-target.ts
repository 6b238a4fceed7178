import { InvalidArgumentError } from '@rillflow/core'
import { isPromise } from '../is-promise.js'
import type { DocumentsLike } from './documents-like.js'
import type { FoldTarget } from './fold-target.js'

/** A collection of documents, whose ids are the keys. */
export function collectionTarget(documents: DocumentsLike, collection: string): FoldTarget {
  return {
    open: async (scope, { shadow }) => {
      const at = { collection, stored: shadow ? documents.shadowOf(collection) : collection }
      return {
        load: (ids, hold) => documents.load(scope, { ...at, ids, hold }),
        settle: (key, doc) => {
          const made = documents.validate(collection, key, doc)
          return isPromise(made) ? made.then((valid) => withId(key, valid)) : withId(key, made)
        },
        write: (changes) => documents.write(scope, { ...at, ...changes }),
      }
    },
  }
}

function withId(key: string, doc: unknown): unknown {
  if ((doc as { readonly id?: unknown } | null)?.id === key) return doc
  throw new InvalidArgumentError('id', 'The id of a document must be the key that it was made for.')
}
