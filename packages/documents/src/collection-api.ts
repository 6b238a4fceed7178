import { InvalidArgumentError, type Scope } from '@rillflow/core'
import { checkDocumentId } from './collections/check-names.js'
import type { DocumentCollection, FindOptions, PutOptions } from './document-collection.js'
import { bringBackDocument, removeDocument } from './operations/change-document.js'
import { toBody, type AnyDocument } from './operations/document-body.js'
import { execute, type Executor } from './operations/executor.js'
import { checkExpected } from './operations/expected-version.js'
import type { PreparedCollection } from './operations/prepared-collection.js'
import { findDocuments, readDocument, readStoredDocument } from './operations/read-document.js'
import { updateDocument } from './operations/update-document.js'
import { writeDocument, type WriteTarget, type WrittenDocument } from './operations/write-document.js'

/** Any collection, before its types are put on. */
export type AnyCollection = DocumentCollection<AnyDocument, unknown>

/**
 * The methods of one collection on a scope.
 *
 * @param alone true on the store, where each statement is a transaction of its own.
 */
export function collectionApi(collection: PreparedCollection, scope: Scope, alone: boolean): AnyCollection {
  type Work<Result> = (target: WriteTarget) => Promise<Result>
  const run = <Result>(kind: 'read' | 'save', operation: string, work: Work<Result>): Promise<Result> =>
    execute({ kind, operation, scope, alone }, (executor: Executor) => work({ collection, executor }))

  async function put(operation: string, doc: unknown, options: PutOptions): Promise<WrittenDocument> {
    const expected = checkExpected(options.expected, 0)
    const body = await toBody(collection, doc)
    return run('save', operation, (target) => writeDocument({ ...target, operation, body, expected }))
  }

  return {
    put: (doc, options = {}) => put('put', doc, options),
    insert: (doc) => put('insert', doc, { expected: 0 }),
    async get(id) {
      checkDocumentId(id)
      return run('read', 'get', (target) => readDocument(target, id))
    },
    async getStored(id) {
      checkDocumentId(id)
      return run('read', 'get', (target) => readStoredDocument(target, id))
    },
    async update(id, change, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return scope.transaction((tx) =>
        execute({ kind: 'save', operation: 'update', scope: tx, alone: false }, (executor) =>
          updateDocument({ collection, executor, id, expected, change }),
        ),
      )
    },
    async delete(id, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return run('save', 'delete', (target) => removeDocument({ ...target, id, expected }))
    },
    async restore(id, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return run('save', 'restore', (target) => bringBackDocument({ ...target, id, expected }))
    },
    async find(filter, options = {}) {
      const limit = checkLimit(options)
      return run('read', 'find', (target) => findDocuments(target, { filter: checkFilter(filter), limit }))
    },
  }
}

function checkLimit({ limit }: FindOptions): number | undefined {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 1)) return limit
  throw new InvalidArgumentError('limit', 'limit must be a whole number from 1, or left out to find every document.')
}

function checkFilter(filter: unknown): Readonly<Record<string, unknown>> {
  if (typeof filter === 'object' && filter !== null && !Array.isArray(filter)) return filter as Record<string, unknown>
  throw new InvalidArgumentError('filter', 'find needs an object of fields and values; {} finds every document.')
}
