import { safeInteger, VersionConflictError } from '@rillflow/core'
import { StreamArchivedError, StreamTombstonedError } from '../../errors.js'
import type { ClaimedStream } from './claim-streams.js'
import type { ImportBatch } from './collect-batch.js'
import { RowRefusal } from './import-failed-error.js'
import type { ImportRow } from './prepare-row.js'

/** A row and its place in its stream. */
export interface PlacedRow {
  readonly row: ImportRow
  /** As the database wrote it: a bigint. */
  readonly streamNo: string
  readonly version: number
  readonly category: string
  readonly createdAt: string
}

/**
 * Gives each row the version that its stream has for it.
 *
 * @param now the time of rows that have none.
 * @throws RowRefusal for the first row whose stream is closed, or has another version for it than the row says.
 */
export function placeRows(
  batch: ImportBatch,
  claimed: ReadonlyMap<string, ClaimedStream>,
  now: string,
): readonly PlacedRow[] {
  const next = new Map<string, number>()
  return batch.rows.map((row, index) => {
    const stream = claimed.get(row.streamId) as ClaimedStream
    const refusal = closedStream(row, stream)
    if (refusal !== undefined) throw new RowRefusal(batch.first + index, refusal)
    const version = safeInteger(next.get(row.streamId) ?? stream.firstVersion, 'version')
    if (row.version !== undefined && row.version !== version)
      throw new RowRefusal(batch.first + index, wrongVersion(row, version))
    next.set(row.streamId, version + 1)
    return { row, streamNo: stream.streamNo, version, category: stream.category, createdAt: row.createdAt ?? now }
  })
}

function closedStream({ streamId }: ImportRow, { closed }: ClaimedStream): Error | undefined {
  if (closed === undefined) return undefined
  return closed === 'archived' ? new StreamArchivedError(streamId) : new StreamTombstonedError(streamId)
}

function wrongVersion({ streamId, version = 0 }: ImportRow, next: number): VersionConflictError {
  return new VersionConflictError({ subject: 'stream', id: streamId, expected: version - 1, actual: next - 1 })
}
