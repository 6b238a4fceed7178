import { defineStatement, safeInteger, VersionConflictError, type RillflowError, type Scope } from '@rillflow/core'
import { StreamArchivedError, StreamTombstonedError } from '../errors.js'
import { encodeAppends, type PreparedAppend } from './prepare-append.js'

/** What an append wrote. */
export interface AppendResult {
  readonly streamId: string
  /** The stream's version now, which is that of the last event appended. */
  readonly version: number
  /** The position of the last event appended. */
  readonly position: number
  /** The ids of the events, in order. */
  readonly eventIds: readonly string[]
}

/** An append of a batch either has its result or its own error; the others are not disturbed. */
export type AppendOutcome = AppendResult | RillflowError

const appendStatement = defineStatement(
  'append',
  (schema) =>
    `select a.status, a.version::text as version, a.position::text as position from ${schema}.append($1::jsonb) as a order by a.ordinal`,
)

type OutcomeRow = readonly [status: string, version: string, position: string | null]

/**
 * Writes appends as one statement, which is one transaction unless the scope is inside one; an outcome for each, in
 * order. Appends to the same stream apply in the order given.
 */
export async function appendEvents(
  scope: Pick<Scope, 'query'>,
  schema: string,
  appends: readonly PreparedAppend[],
): Promise<readonly AppendOutcome[]> {
  const order = sortedByStream(appends)
  const sorted = order.map((index) => appends[index] as PreparedAppend)
  const { rows } = await scope.query<OutcomeRow>(appendStatement(schema, [encodeAppends(sorted)]))
  const outcomes: AppendOutcome[] = []
  rows.forEach((row, place) => {
    outcomes[order[place] as number] = toOutcome(sorted[place] as PreparedAppend, row)
  })
  return outcomes
}

/** Every writer takes streams in this order; two that did not would deadlock. Stable, so one stream keeps its own. */
function sortedByStream(appends: readonly PreparedAppend[]): readonly number[] {
  const order = appends.map((_, index) => index)
  if (order.length < 2) return order
  const idAt = (index: number): string => (appends[index] as PreparedAppend).streamId
  return order.sort((one, other) => (idAt(one) < idAt(other) ? -1 : idAt(one) > idAt(other) ? 1 : one - other))
}

function toOutcome(append: PreparedAppend, row: OutcomeRow): AppendOutcome {
  const { streamId, expected, eventIds } = append
  const [status, version, position] = row
  const actual = safeInteger(version, 'version')
  switch (status) {
    case 'appended':
      return { streamId, version: actual, position: safeInteger(position as string, 'position'), eventIds }
    case 'archived':
      return new StreamArchivedError(streamId)
    case 'tombstoned':
      return new StreamTombstonedError(streamId)
    default:
      // 'any' never conflicts, so what is left is a word for a state or a version.
      return new VersionConflictError({
        subject: 'stream',
        id: streamId,
        expected: expected === 'any' ? 'streamExists' : expected,
        actual,
      })
  }
}
