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
  (schema) => `select a.statuses, a.versions, a.repeated, a.positions
  from ${schema}.append($1::jsonb, $2::boolean, $3::boolean) as a`,
)

/** Lists with commas between their items, as the function describes them. */
type BatchRow = readonly [statuses: string, versions: string, repeated: string, positions: string | null]

/** What the database says of one append. */
interface Answer {
  readonly status: string
  readonly version: string
  /** Of its last event. */
  readonly position: string
  /** Undefined for an append that wrote its own events. */
  readonly eventIds: readonly string[] | undefined
}

/** Writes one append: one statement, and a second one only to learn why the stream was not as expected. */
export async function appendOne(
  scope: Pick<Scope, 'query'>,
  schema: string,
  append: PreparedAppend,
  how: LoneAppend & Pick<AppendBatch, 'repeats'>,
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
  const [outcome] = await appendMany(scope, { schema, appends: [append], ...how })
  return outcome as AppendOutcome
}

/** Several appends for one statement. */
export interface AppendBatch {
  readonly schema: string
  /** Those to one stream apply in this order; an idempotency key of one stream may stand only once. */
  readonly appends: readonly PreparedAppend[]
  /** Wakes readers in other processes when the batch commits. */
  readonly notify: boolean
  /** Whether the statement joins a transaction; false where it is one. */
  readonly inTransaction: boolean
  /** Takes the appends that wrote nothing, because their idempotency key was used before. */
  readonly repeats?: Set<PreparedAppend> | undefined
}

/**
 * Writes appends as one statement, which is one transaction unless the scope is inside one; an outcome for each, in
 * order.
 */
export async function appendMany(scope: Pick<Scope, 'query'>, batch: AppendBatch): Promise<readonly AppendOutcome[]> {
  const { schema, appends, notify, inTransaction, repeats } = batch
  const order = sortedByStream(appends)
  const sorted = order.map((index) => appends[index] as PreparedAppend)
  const values = [encodeAppends(sorted), !inTransaction, notify]
  const { rows } = await send<BatchRow>(scope, schema, appendStatement(schema, values))
  const outcomes: AppendOutcome[] = []
  readAnswers(sorted, rows[0] as BatchRow).forEach((answer, place) => {
    const append = sorted[place] as PreparedAppend
    if (answer.status === 'repeated') repeats?.add(append)
    outcomes[order[place] as number] = readOutcome(append, answer)
  })
  return outcomes
}

/** Positions are those of the events that were written, of one append behind the other. */
function readAnswers(appends: readonly PreparedAppend[], row: BatchRow): readonly Answer[] {
  const [statuses, versions, repeated, positions] = row.map((list) => list?.split(',') ?? [])
  let written = 0
  return appends.map(({ events }, place) => {
    const status = statuses?.[place] as string
    const version = versions?.[place] as string
    if (status === 'appended') {
      written += events.length
      return { status, version, position: positions?.[written - 1] as string, eventIds: undefined }
    }
    const [position, ...eventIds] = repeated?.[place]?.split(' ') ?? []
    return { status, version, position: position as string, eventIds }
  })
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
function readOutcome(append: PreparedAppend, answer: Answer): AppendOutcome {
  try {
    return toOutcome(append, answer)
  } catch (error) {
    if (isRillflowError(error, 'PositionOverflow')) return error
    throw error
  }
}

function toOutcome(append: PreparedAppend, { status, version, position, eventIds }: Answer): AppendOutcome {
  const { streamId, expected } = append
  switch (status) {
    case 'appended':
      return toResult(append, version, position)
    case 'repeated':
      return { ...toResult(append, version, position), eventIds: eventIds ?? [] }
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
