import type { Pool } from 'pg'
import { backendOf, inTransaction, untilBlockedBy } from './blocking.js'

/** A stream whose row a transaction of the test's own has locked. */
export interface HeldStream {
  /** Waits until a server process waits for the stream. */
  readonly blocked: () => Promise<void>
  readonly letGo: () => Promise<void>
}

/** Runs `work` while a stream is held, which `work` or the end lets go. */
export async function holdStream(
  pool: Pool,
  stream: { readonly schema: string; readonly streamId: string },
  work: (held: HeldStream) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async (holder) => {
    await holder.query(`select from "${stream.schema}".streams where stream_id = $1 for update`, [stream.streamId])
    const pid = await backendOf(holder)
    await work({
      blocked: () => untilBlockedBy(pool, pid),
      letGo: async () => void (await holder.query('commit')),
    })
  })
}
