import { defineStatement, VersionConflictError, type RillflowError, type Scope } from '@rillflow/core'
import { checkText } from '../append/check-text.js'
import { encodeExpected, type ExpectedVersion } from '../append/expected-version.js'
import { StreamTombstonedError } from '../errors.js'
import { infoColumns, toStreamInfo, type InfoRow, type StreamInfo } from './stream-info.js'
import { StreamNotFoundError } from './stream-not-found-error.js'

/** How a stream is archived or tombstoned. */
export interface CloseStreamOptions {
  /** The version that the stream must have, so that nothing appended meanwhile is closed unseen; `any` unless told. */
  readonly expected?: ExpectedVersion | undefined
}

type Action = 'archive' | 'unarchive' | 'tombstone'

const statements: Readonly<Record<Action, ReturnType<typeof defineStatement>>> = {
  archive: closeStatement('archive'),
  unarchive: closeStatement('unarchive'),
  tombstone: closeStatement('tombstone'),
}

function closeStatement(action: Action): ReturnType<typeof defineStatement> {
  return defineStatement(
    `${action}_stream`,
    (schema) => `select s.status, ${infoColumns} from ${schema}.close_stream($1::text, '${action}', $2::bigint) as s`,
  )
}

type MissingRow = readonly ['missing', null, null, null, null, null, null]
type OutcomeRow = readonly [status: 'done' | 'tombstoned' | 'conflict', ...info: InfoRow]

/** Archives, unarchives or tombstones a stream, in one round trip; done again it changes nothing. */
export async function closeStream(
  scope: Scope,
  action: Action,
  streamId: string,
  options: CloseStreamOptions,
): Promise<StreamInfo> {
  checkText('streamId', streamId)
  // Not `??`: null is no way to say "any", and would leave out a check that somebody meant.
  const expected = options.expected === undefined ? 'any' : options.expected
  const values = [streamId, encodeExpected(expected)]
  const { schema } = await scope.target()
  const { rows } = await scope.query<MissingRow | OutcomeRow>(statements[action](schema, values))
  const row = rows[0] as MissingRow | OutcomeRow
  if (row[0] === 'missing') throw missing(action, streamId, expected)
  const [status, ...info] = row
  const now = toStreamInfo(streamId, info)
  if (status === 'tombstoned') throw new StreamTombstonedError(streamId)
  if (status === 'conflict') throw conflict(streamId, expected, now.version)
  return now
}

/** An id that is tombstoned needs no stream, so there only the expectation can have been wrong. */
function missing(action: Action, streamId: string, expected: ExpectedVersion): RillflowError {
  return action === 'tombstone' ? conflict(streamId, expected, 0) : new StreamNotFoundError(streamId)
}

function conflict(streamId: string, expected: ExpectedVersion, actual: number): VersionConflictError {
  // 'any' conflicts with nothing.
  return new VersionConflictError({
    subject: 'stream',
    id: streamId,
    expected: expected === 'any' ? 'streamExists' : expected,
    actual,
  })
}
