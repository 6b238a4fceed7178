import type { Scope, SessionPart, TransactionScope } from '@rillflow/core'
import type { DocumentsShape } from '../documents-shape.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { CollectionSession, type PendingWrite, type WriteOutcome } from './collection-session.js'
import type { SavedDocument } from './document-session.js'

/** The documents of one session: stages per collection, writes all of them together. */
export function documentsSession(
  collections: ReadonlyMap<string, PreparedCollection>,
  scope: Scope,
): SessionPart<DocumentsShape> {
  const sessions = new Map([...collections].map(([key, prepared]) => [key, new CollectionSession(prepared, scope)]))
  const parts = [...sessions.values()]
  let flushed: readonly { readonly write: PendingWrite; readonly outcome: WriteOutcome }[] = []

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
      for (const { write, outcome } of flushed) write.committed(outcome)
      flushed = []
    },
    clear() {
      for (const session of parts) session.clear()
    },
  }
}

async function sendAll(
  writes: readonly PendingWrite[],
  tx: TransactionScope,
): Promise<{ write: PendingWrite; outcome: WriteOutcome }[]> {
  const { schema } = await tx.target()
  const unfinished = writes.flatMap(({ ready }) => ready ?? [])
  if (unfinished.length > 0) await Promise.all(unfinished)
  const executor = { schema, alone: false, query: tx.query.bind(tx) }
  // All of them before the first answer is awaited, so that they leave together.
  return Promise.all(writes.map(async (write) => ({ write, outcome: await write.send(executor) })))
}

/** One order for every session: two that save the same documents wait for each other, and do not deadlock. */
function byAddress(one: PendingWrite, other: PendingWrite): number {
  return compare(one.collection, other.collection) || compare(one.id, other.id)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function toSaved({ write, outcome }: { write: PendingWrite; outcome: WriteOutcome }): SavedDocument {
  return { collection: write.collection, id: write.id, version: outcome.version }
}
