import {
  defineStatement,
  isRillflowError,
  safeInteger,
  VersionConflictError,
  type RillflowError,
  type Rows,
  type Scope,
  type Statement,
} from '@rillflow/core'
import { IdempotencyMismatchError, StreamArchivedError, StreamTombstonedError } from '../errors.js'
import { toResult, type AppendResult } from './append-result.js'
import { encodeAppends } from './encode-appends.js'
import { loneAppendStatement, type LoneAppend } from './lone-append.js'
import { nameRefusal } from './name-refusal.js'
import type { PreparedAppend } from './prepare-append.js'

/** An append of a batch either has its result or its own error; the others are not disturbed. */
export type AppendOutcome = AppendResult | RillflowError

const appendStatement = defineStatement(
  'append',
  (schema) => `select a.status, a.version::text as version, a.position::text as "position", a.event_ids
  from ${schema}.append($1::jsonb, $2::boolean) as a order by a.ordinal`,
)

type OutcomeRow = readonly [status: string, version: string, position: string | null, eventIds: string | null]

/** Writes one append: one statement, and a second one only to learn why the stream was not as expected. */
export async function appendOne(
  scope: Pick<Scope, 'query'>,
  schema: string,
  append: PreparedAppend,
  how: LoneAppend,
): Promise<AppendOutcome> {
  if (append.idempotencyKey === undefined) {
    const { rows } = await send<readonly [version: string, position: string]>(
      scope,
      schema,
      loneAppendStatement(schema, append, how),
    )
    const [row] = rows
    if (row !== undefined) return toResult(append, row[0], row[1])
  }
  // Not merely a look: by now the stream may be as expected, and then this writes.
  const [outcome] = await appendMany(scope, { schema, appends: [append], notify: how.notify })
  return outcome as AppendOutcome
}

/** Several appends for one statement. */
export interface AppendBatch {
  readonly schema: string
  /** Those to one stream apply in this order; an idempotency key of one stream may stand only once. */
  readonly appends: readonly PreparedAppend[]
  /** Wakes readers in other processes when the batch commits. */
  readonly notify: boolean
}

/**
 * Writes appends as one statement, which is one transaction unless the scope is inside one; an outcome for each, in
 * order.
 */
export async function appendMany(scope: Pick<Scope, 'query'>, batch: AppendBatch): Promise<readonly AppendOutcome[]> {
  const { schema, appends, notify } = batch
  const order = sortedByStream(appends)
  const sorted = order.map((index) => appends[index] as PreparedAppend)
  const { rows } = await send<OutcomeRow>(scope, schema, appendStatement(schema, [encodeAppends(sorted), notify]))
  const outcomes: AppendOutcome[] = []
  rows.forEach((row, place) => {
    outcomes[order[place] as number] = readOutcome(sorted[place] as PreparedAppend, row)
  })
  return outcomes
}

async function send<Row extends readonly unknown[]>(
  scope: Pick<Scope, 'query'>,
  schema: string,
  statement: Statement,
): Promise<Rows<Row>> {
  try {
    return await scope.query<Row>(statement)
  } catch (error) {
    throw nameRefusal(error, schema)
  }
}

/** Every writer takes streams in this order; two that did not would deadlock. Stable, so one stream keeps its own. */
function sortedByStream(appends: readonly PreparedAppend[]): readonly number[] {
  const order = appends.map((_, index) => index)
  if (order.length < 2) return order
  const idAt = (index: number): string => (appends[index] as PreparedAppend).streamId
  return order.toSorted((one, other) => (idAt(one) < idAt(other) ? -1 : idAt(one) > idAt(other) ? 1 : one - other))
}

/** The statement has done its work: a number that cannot be read is this append's own trouble, and undoes nothing. */
function readOutcome(append: PreparedAppend, row: OutcomeRow): AppendOutcome {
  try {
    return toOutcome(append, row)
  } catch (error) {
    if (isRillflowError(error, 'PositionOverflow')) return error
    throw error
  }
}

function toOutcome(append: PreparedAppend, row: OutcomeRow): AppendOutcome {
  const { streamId, expected } = append
  const [status, version, position, eventIds] = row
  switch (status) {
    case 'appended':
      return toResult(append, version, position as string)
    case 'repeated':
      return { ...toResult(append, version, position as string), eventIds: eventIds?.split(',') ?? [] }
    case 'mismatch':
      return new IdempotencyMismatchError(streamId, append.idempotencyKey as string)
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
        actual: safeInteger(version, 'version'),
      })
  }
}
