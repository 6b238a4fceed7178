import { isRillflowError, type Connection } from '@rillflow/core'
import { toTextArray } from '../collections/parse-field.js'
import { removeDocument } from '../operations/change-document.js'
import type { Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { readDocument } from '../operations/read-document.js'
import { writeDocument, type WrittenDocument } from '../operations/write-document.js'
import { getDocuments } from '../sql/get-document.js'
import { addressOf, maxItems, maxSize, sizeOf, type DeleteItem, type PutItem } from './batch-item.js'
import { BatchQueue } from './batch-queue.js'
import { sendBatch } from './send-batch.js'

type Write = PutItem | DeleteItem

/** The queues of one store: calls on a schema that come together leave together. */
export class Coalescing {
  readonly #connection: Connection
  readonly #reads = new Map<string, Map<PreparedCollection, BatchQueue<string, string | undefined>>>()
  readonly #writes = new Map<string, BatchQueue<Write, WrittenDocument>>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The body of a live document. */
  async get(schema: string, collection: PreparedCollection, id: string): Promise<string | undefined> {
    return entry(
      entry(this.#reads, schema, () => new Map<PreparedCollection, BatchQueue<string, string | undefined>>()),
      collection,
      () => readQueue(this.#executor(schema), collection),
    ).submit(id)
  }

  /** Puts or deletes one document. @throws what the call alone would throw */
  async write(schema: string, item: Write): Promise<WrittenDocument> {
    return entry(this.#writes, schema, () => writeQueue(this.#executor(schema))).submit(item)
  }

  /** Waits for what is queued. */
  async close(): Promise<void> {
    const reads = [...this.#reads.values()].flatMap((queues) => [...queues.values()])
    await Promise.all([...reads, ...this.#writes.values()].map((queue) => queue.drain()))
  }

  #executor(schema: string): Executor {
    return { schema, alone: true, query: (statement) => this.#connection.query(statement) }
  }
}

function readQueue(executor: Executor, collection: PreparedCollection): BatchQueue<string, string | undefined> {
  return new BatchQueue({
    maxItems,
    sendOne: (id) => readDocument({ collection, executor }, id),
    async sendMany(ids) {
      const found = await readBodies(executor, collection, ids)
      return ids.map((id) => found.get(id))
    },
    // A read that failed for all would fail for each.
    isFatal: () => true,
  })
}

/** The bodies of those documents that are live, by id. */
export async function readBodies(
  executor: Executor,
  collection: PreparedCollection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const values = [collection.name, toTextArray([...new Set(ids)])]
  const { rows } = await executor.query<readonly [id: string, doc: string]>(getDocuments(executor.schema, values))
  return new Map(rows)
}

function writeQueue(executor: Executor): BatchQueue<Write, WrittenDocument> {
  return new BatchQueue<Write, WrittenDocument>({
    addressOf,
    kindOf: ({ kind }) => kind,
    sizeOf,
    maxItems,
    maxSize,
    sendOne: (item) =>
      item.kind === 'put' ? writeDocument({ ...item, executor }) : removeDocument({ ...item, executor }),
    async sendMany(items) {
      const outcomes = await sendBatch(executor, items)
      return outcomes.map((outcome) =>
        outcome instanceof Error ? outcome : { id: outcome.id, version: outcome.version },
      )
    },
    isFatal: isNotTheItems,
  })
}

/** Tells whether an error says nothing about the documents themselves, or leaves it open whether they are written. */
export function isNotTheItems(error: unknown): boolean {
  return notTheItems.some((code) => isRillflowError(error, code))
}

const notTheItems = ['ConnectionLost', 'CommitOutcomeUnknown', 'PoolTimeout', 'InvalidState', 'SchemaMissing']

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
