import type { Transaction } from '@rillflow/core'
import type { notes } from './notes.js'

/** A transaction of a store with notes. */
export type NotesTransaction = Transaction<{ readonly notes: ReturnType<typeof notes> }>

/** The process id of the backend that a transaction runs on. */
export async function backendOf(tx: NotesTransaction): Promise<number> {
  const [row] = await tx.sql<{ pid: number }>`select pg_backend_pid() as pid`
  return row?.pid ?? 0
}
