import { AbortedError, InvalidArgumentError, isRillflowError, type Connection, type Scope } from '@rillflow/core'
import type { BatchItem } from './batch/batch-item.js'
import { sendBulk, type BulkResult, type Prepared } from './batch/bulk.js'
import { readBodies, type Coalescing } from './batch/coalescing.js'
import { checkDocumentId } from './collections/check-names.js'
import { parseField, toTextArray } from './collections/parse-field.js'
import type { CallOptions, DocumentCollection, PutOptions } from './document-collection.js'
import { bringBackDocument, purgeOne, removeDocument } from './operations/change-document.js'
import { toBody, type AnyDocument } from './operations/document-body.js'
import { execute } from './operations/executor.js'
import { checkExpected } from './operations/expected-version.js'
import type { LostWrites } from './operations/lost-writes.js'
import { patchDocument, patchValidated } from './operations/patch-document.js'
import type { PreparedCollection } from './operations/prepared-collection.js'
import { parseRead, readDocument, readField, readStoredDocument } from './operations/read-document.js'
import { updateDocument } from './operations/update-document.js'
import { writeDocument, type WriteTarget, type WrittenDocument } from './operations/write-document.js'
import { toOperations } from './patch/patch.js'
import { adviseIndexes } from './query/advise-indexes.js'
import { CollectionQuery } from './query/collection-query.js'
import type { AnyCondition } from './query/condition.js'
import { runCompiled } from './query/compiled-query.js'
import { importDocuments } from './transfer/import-documents.js'

/** Any collection, before its types are put on. */
export type AnyCollection = DocumentCollection<AnyDocument, unknown>

/** Where the calls on one collection go. */
export interface CollectionHost {
  readonly collection: PreparedCollection
  readonly scope: Scope
  /** On the store, where each statement is a transaction of its own; undefined inside a transaction. */
  readonly store: StoreParts | undefined
}

/** What the calls on a store share. */
interface StoreParts {
  readonly coalescing: Coalescing
  readonly connection: Connection
  readonly lostWrites: LostWrites
}

type Work<Result> = (target: WriteTarget) => Promise<Result>

/** The methods of one collection on a scope. */
export function collectionApi(host: CollectionHost): AnyCollection {
  const { collection, scope, store } = host
  const source = { collection, scope }
  const read = <Result>(operation: string, work: Work<Result>): Promise<Result> =>
    execute({ kind: 'read', operation, scope }, (executor) => work({ collection, executor }))
  const save = <Result>(operation: string, work: Work<Result>): Promise<Result> =>
    execute({ kind: 'save', operation, scope, lostWrites: store?.lostWrites }, (executor) =>
      work({ collection, executor }),
    )
  const checkSignal = (operation: string, id: string, { signal }: CallOptions): void => {
    if (signal?.aborted === true) throw new AbortedError({ operation, collection: collection.name, id }, signal.reason)
  }

  async function put(operation: string, doc: unknown, options: PutOptions & CallOptions): Promise<WrittenDocument> {
    const expected = checkExpected(options.expected, 0)
    const body = await toBody(collection, doc)
    checkSignal(operation, body.id, options)
    const item = { kind: 'put', collection, id: body.id, operation, expected, body } as const
    return save(operation, ({ executor }) =>
      store === undefined
        ? writeDocument({ ...item, executor })
        : store.coalescing.write(executor.schema, item, options.signal),
    )
  }

  const bulk = (operation: string, prepared: readonly Prepared[]): Promise<BulkResult> =>
    execute({ kind: 'save', operation, scope, lostWrites: store?.lostWrites, count: prepared.length }, (executor) =>
      sendBulk(executor, prepared),
    )

  async function putMany(operation: string, docs: readonly unknown[], expectedOf: ExpectedOf): Promise<BulkResult> {
    const prepared = docs.map((doc, place) =>
      prepare(idOf(doc), async () => {
        const expected = checkExpected(expectedOf(doc, place), 0)
        const body = await toBody(collection, doc)
        return { kind: 'put', collection, id: body.id, operation, expected, body }
      }),
    )
    return bulk(operation, await Promise.all(prepared))
  }

  const query = new CollectionQuery(source)

  const api: Omit<AnyCollection, 'query'> & { query(condition?: AnyCondition): CollectionQuery } = {
    put: (doc, options = {}) => put('put', doc, options),
    insert: (doc, options = {}) => put('insert', doc, { ...options, expected: 0 }),
    async get(id, options = {}) {
      checkDocumentId(id)
      checkSignal('get', id, options)
      const { signal } = options
      const json = await read('get', (target) =>
        store === undefined
          ? readDocument(target, id)
          : store.coalescing.get(target.executor.schema, { collection, id, signal }),
      )
      return json === undefined ? undefined : parseRead(collection, json)
    },
    async getMany(ids) {
      for (const id of ids) checkDocumentId(id)
      const bodies = await read('getMany', ({ executor }) => readBodies(executor, collection, ids))
      const docOf = async (json: string | undefined): Promise<AnyDocument | undefined> =>
        json === undefined ? undefined : parseRead(collection, json)
      return Promise.all(ids.map((id) => docOf(bodies.get(id))))
    },
    async getField(id, field) {
      checkDocumentId(id)
      const path = toTextArray(parseField(field))
      // The field's type is put on by the interface.
      return read('getField', (target) => readField(target, id, path)) as Promise<never>
    },
    async getStored(id) {
      checkDocumentId(id)
      return read('get', (target) => readStoredDocument(target, id))
    },
    async update(id, change, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return scope.transaction((tx) =>
        execute({ kind: 'save', operation: 'update', scope: tx }, (executor) =>
          updateDocument({ collection, executor, id, expected, change }),
        ),
      )
    },
    async patch(id, build, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      const request = { collection, id, expected, operations: toOperations(build) }
      if (options.validate !== true) return save('patch', (target) => patchDocument({ ...request, ...target }))
      return scope.transaction((tx) =>
        execute({ kind: 'save', operation: 'patch', scope: tx }, (executor) =>
          patchValidated({ ...request, executor }),
        ),
      )
    },
    async delete(id, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      checkSignal('delete', id, options)
      const item = { kind: 'delete', collection, id, operation: 'delete', expected } as const
      return save('delete', ({ executor }) =>
        store === undefined
          ? removeDocument({ ...item, executor })
          : store.coalescing.write(executor.schema, item, options.signal),
      )
    },
    async restore(id, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return save('restore', (target) => bringBackDocument({ ...target, id, expected }))
    },
    async purge(id, options = {}) {
      checkDocumentId(id)
      const expected = checkExpected(options.expected, 1)
      return save('purge', (target) => purgeOne({ ...target, id, expected, force: options.force ?? false }))
    },
    putMany: (docs, options = {}) => putMany('putMany', docs, (doc) => options.expected?.(doc)),
    insertMany: (docs) => putMany('insertMany', docs, () => 0),
    async patchMany(ids, build) {
      const operations = toOperations(build)
      const prepared = ids.map((id) =>
        prepare(id, async () => {
          checkDocumentId(id)
          return { kind: 'patch', collection, id, operation: 'patchMany', expected: undefined, operations }
        }),
      )
      return bulk('patchMany', await Promise.all(prepared))
    },
    async deleteMany(ids) {
      const prepared = ids.map((id) =>
        prepare(id, async () => {
          checkDocumentId(id)
          return { kind: 'delete', collection, id, operation: 'deleteMany', expected: undefined }
        }),
      )
      return bulk('deleteMany', await Promise.all(prepared))
    },
    importAll: (docs, options = {}) =>
      save('import', (target) => importDocuments({ ...target, connection: store?.connection }, docs, options)),
    async find(condition, { limit } = {}) {
      if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
        throw new InvalidArgumentError(
          'limit',
          'limit must be a whole number from 1, or left out to find every document.',
        )
      }
      const found = query.where(condition)
      return (limit === undefined ? found : found.limit(limit)).all() as Promise<AnyDocument[]>
    },
    query: (condition) => (condition === undefined ? query : query.where(condition)),
    run: (compiled, params) => runCompiled(source, compiled, params) as Promise<never[]>,
    adviseIndexes: () => read('adviseIndexes', ({ executor }) => adviseIndexes(collection, executor)),
  }
  // The types of queries are put on by the interface.
  return api as unknown as AnyCollection
}

type ExpectedOf = (doc: unknown, place: number) => number | undefined

/** An item, or why there is none: one document that does not fit is no reason to leave the others. */
async function prepare(id: string | undefined, make: () => Promise<BatchItem>): Promise<Prepared> {
  try {
    return { item: await make() }
  } catch (error) {
    if (!isRillflowError(error)) throw error
    return { id, error }
  }
}

function idOf(doc: unknown): string | undefined {
  const id = (doc as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === 'string' ? id : undefined
}
