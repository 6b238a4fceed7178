import { drive } from '../../harness/drive.js'
import type { Contender } from '../../harness/suite.js'
import type { DocumentStore, OpenDocumentStore } from '../../stores/documents/document-store.js'
import { markLoss } from '../mark-loss.js'

/** How many write at once. */
export interface WriteCase {
  readonly name: string
  readonly callers: number
}

/** Writes that callers make without pause. */
export interface WriteWork {
  /** Documents in one call. */
  readonly size: number
  readonly call: (caller: number) => Promise<unknown>
}

/** A contender whose callers write without pause; each round, what was written is counted in the database. */
export function writing(
  open: OpenDocumentStore,
  prepare: (store: DocumentStore) => Promise<WriteWork>,
): Contender<WriteCase> {
  return async ({ url }) => {
    const store = await open(url)
    const { size, call } = await prepare(store)
    return {
      round: async ({ callers }, seconds) => {
        const before = await store.writes()
        let acknowledged = 0
        const counted = async (caller: number): Promise<void> => {
          await call(caller)
          acknowledged += size
        }
        const round = await drive({ callers, seconds, unitsPerCall: size, call: counted })
        return markLoss(round, acknowledged, (await store.writes()) - before)
      },
      close: () => store.close(),
    }
  }
}
