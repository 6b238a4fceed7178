import type { Scope, SessionPart, TransactionScope } from '@rillflow/core'
import { cutItems, type BatchItem } from '../batch/batch-item.js'
import { sendBatch, type BatchOutcome, type BatchResult } from '../batch/send-batch.js'
import type { DocumentsShape } from '../documents-shape.js'
import type { Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { lockDocuments } from '../sql/lock-documents.js'
import { CollectionSession, type PendingWrite } from './collection-session.js'
import type { SavedDocument } from './document-session.js'

interface Flushed {
  readonly write: PendingWrite
  readonly item: BatchItem
  readonly result: BatchResult
}

/** The documents of one session: stages per collection, writes all of them together. */
export function documentsSession(
  collections: ReadonlyMap<string, PreparedCollection>,
  scope: Scope,
): SessionPart<DocumentsShape> {
  const sessions = new Map([...collections].map(([key, prepared]) => [key, new CollectionSession(prepared, scope)]))
  const parts = [...sessions.values()]
  let flushed: readonly Flushed[] = []

  return {
    api: Object.fromEntries([...sessions].map(([key, session]) => [key, session.api])),
    pending: () => parts.reduce((total, session) => total + session.pending, 0),
    async flush(tx) {
      flushed = []
      const writes = parts.flatMap((session) => session.writes()).toSorted(byAddress)
      if (writes.length > 0) flushed = await sendAll(writes, tx)
      return flushed.map(toSaved)
    },
    committed() {
      for (const { write, item, result } of flushed) write.committed(item, result)
      flushed = []
    },
    clear() {
      for (const session of parts) session.clear()
    },
  }
}

async function sendAll(writes: readonly PendingWrite[], tx: TransactionScope): Promise<readonly Flushed[]> {
  const { schema } = await tx.target()
  const executor: Executor = { schema, alone: undefined, query: tx.query.bind(tx) }
  const isReady = writes.every(({ ready }) => ready === undefined)
  // Without a wait where none is needed, so that the statements of all modules leave together.
  const made = writes.map((write) => write.item())
  const items = isReady ? (made as readonly BatchItem[]) : await settled(made)
  const outcomes = await send(executor, items)
  return writes.map((write, place) => {
    const result = outcomes[place] as BatchOutcome
    if (result instanceof Error) throw result
    return { write, item: items[place] as BatchItem, result }
  })
}

async function settled(items: readonly (BatchItem | Promise<BatchItem>)[]): Promise<readonly BatchItem[]> {
  return Promise.all(items.map(async (item) => item))
}

const kinds = ['put', 'patch', 'delete'] as const

/** One statement for each kind of operation, all of them before the first answer is awaited. */
async function send(executor: Executor, items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
  const entries = items.map((item, place) => ({ item, place }))
  const parts = kinds.flatMap((kind) => cutItems(entries.filter(({ item }) => item.kind === kind)))
  const outcomes: BatchOutcome[] = []
  // Each statement takes its rows in one order; several of them need all rows first, or two sessions would deadlock.
  const locked = parts.length > 1 ? lock(executor, items) : undefined
  const sent = parts.map(async (part) => {
    const results = await sendBatch(
      executor,
      part.map(({ item }) => item),
    )
    for (const [at, { place }] of part.entries()) outcomes[place] = results[at] as BatchOutcome
  })
  await Promise.all([locked, ...sent])
  return outcomes
}

async function lock(executor: Executor, items: readonly BatchItem[]): Promise<void> {
  const addresses = items.map(({ collection, id }) => [collection.name, id])
  await executor.query(lockDocuments(executor.schema, [JSON.stringify(addresses)]))
}

/** What is reported first is not left to the order in which it was staged. */
function byAddress(one: PendingWrite, other: PendingWrite): number {
  return compare(one.collection, other.collection) || compare(one.id, other.id)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function toSaved({ write, result }: Flushed): SavedDocument {
  return { collection: write.collection, id: write.id, version: result.version }
}
