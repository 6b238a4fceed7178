import { setTimeout as sleep } from 'node:timers/promises'
import { LockTimeoutError } from '@rillflow/core'
import { findBuilder, type Builder } from '../database/index-builds.js'
import type { SyncJob } from './sync-job.js'

/** Milliseconds between two looks: short at first, since most builds are. */
const pauses = { first: 20, last: 1_000 }

/**
 * Returns when nobody builds any more. It asks again and again, because a statement that waits holds a snapshot, and the
 * build would wait for that in turn.
 *
 * @throws LockTimeout after `waitTimeout`.
 */
export async function waitForBuilder({ open, options }: SyncJob, seen: Builder): Promise<void> {
  const { connection, schema, logger } = open
  const until = options.waitTimeout ? performance.now() + options.waitTimeout : Number.POSITIVE_INFINITY
  logger.info({ schema, ...seen }, `Waiting for the build of index ${JSON.stringify(seen.index)}`)
  let builder: Builder | undefined = seen
  for (let pause = pauses.first; builder !== undefined; pause = Math.min(pause * 1.5, pauses.last)) {
    const left = until - performance.now()
    if (left <= 0) throw waitedTooLong(builder)
    // Random, because starters that wait alike meet again.
    await sleep(Math.min(pause * (0.5 + Math.random()), left))
    builder = await findBuilder(connection, schema)
  }
}

function waitedTooLong({ index, pid }: Builder): LockTimeoutError {
  const process = pid === undefined ? '' : ` by the server's process ${pid}`
  return new LockTimeoutError(
    `sync waited for waitTimeout while the index ${JSON.stringify(index)} is being built${process}. Sync again later.`,
    undefined,
  )
}
