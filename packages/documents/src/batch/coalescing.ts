import { isUndone, type Connection } from '@rillflow/core'
import { toTextArray } from '../collections/parse-field.js'
import { removeDocument } from '../operations/change-document.js'
import { loneWrite, type Executor } from '../operations/executor.js'
import type { LostWrites } from '../operations/lost-writes.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { readDocument } from '../operations/read-document.js'
import { writeDocument, type WrittenDocument } from '../operations/write-document.js'
import { getDocuments } from '../sql/get-document.js'
import { addressOf, maxItems, maxSize, sizeOf, type DeleteItem, type PutItem } from './batch-item.js'
import { BatchQueue } from './batch-queue.js'
import { sendBatch } from './send-batch.js'

type Write = PutItem | DeleteItem

interface Get {
  readonly collection: PreparedCollection
  readonly id: string
  /** Withdraws it as long as it has not been sent. */
  readonly signal: AbortSignal | undefined
}

/** The queues of one store: calls on a schema that come together leave together. */
export class Coalescing {
  readonly #connection: Connection
  readonly #lostWrites: LostWrites
  readonly #reads = new Map<string, Map<PreparedCollection, BatchQueue<string, string | undefined>>>()
  readonly #writes = new Map<string, BatchQueue<Write, WrittenDocument>>()

  constructor(connection: Connection, lostWrites: LostWrites) {
    this.#connection = connection
    this.#lostWrites = lostWrites
  }

  /** The body of a live document. @throws Overloaded, Aborted */
  async get(schema: string, { collection, id, signal }: Get): Promise<string | undefined> {
    return entry(
      entry(this.#reads, schema, () => new Map<PreparedCollection, BatchQueue<string, string | undefined>>()),
      collection,
      () => readQueue(this.#executor(schema), collection),
    ).submit(id, signal)
  }

  /** Puts or deletes one document. @throws what the call alone would throw; Overloaded, Aborted */
  async write(schema: string, item: Write, signal: AbortSignal | undefined): Promise<WrittenDocument> {
    return entry(this.#writes, schema, () => writeQueue(() => this.#writer(schema))).submit(item, signal)
  }

  /** Waits for what is queued. */
  async close(): Promise<void> {
    const reads = [...this.#reads.values()].flatMap((queues) => [...queues.values()])
    await Promise.all([...reads, ...this.#writes.values()].map((queue) => queue.drain()))
  }

  #executor(schema: string): Executor {
    return { schema, alone: undefined, query: (statement) => this.#connection.query(statement) }
  }

  /** One for each statement, which leaves a mark of its own. */
  #writer(schema: string): Executor {
    return { ...this.#executor(schema), alone: loneWrite(this.#lostWrites) }
  }
}

function readQueue(executor: Executor, collection: PreparedCollection): BatchQueue<string, string | undefined> {
  return new BatchQueue({
    calls: 'reads',
    describe: (id) => ({ operation: 'get', collection: collection.name, id }),
    maxItems,
    sendOne: (id) => readDocument({ collection, executor }, id),
    async sendMany(ids) {
      const found = await readBodies(executor, collection, ids)
      return ids.map((id) => found.get(id))
    },
    // A read that failed for all would fail for each.
    isUndone: () => false,
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

function writeQueue(writer: () => Executor): BatchQueue<Write, WrittenDocument> {
  return new BatchQueue<Write, WrittenDocument>({
    calls: 'writes',
    describe: ({ operation, collection, id }) => ({ operation, collection: collection.name, id }),
    addressOf,
    kindOf: ({ kind }) => kind,
    sizeOf,
    maxItems,
    maxSize,
    sendOne: (item) =>
      item.kind === 'put'
        ? writeDocument({ ...item, executor: writer() })
        : removeDocument({ ...item, executor: writer() }),
    async sendMany(items) {
      const outcomes = await sendBatch(writer(), items)
      return outcomes.map((outcome) =>
        outcome instanceof Error ? outcome : { id: outcome.id, version: outcome.version },
      )
    },
    isUndone,
  })
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
