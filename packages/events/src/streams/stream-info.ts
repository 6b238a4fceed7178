import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { checkText } from '../append/check-text.js'

/** What is known of a stream besides its events. */
export interface StreamInfo {
  readonly streamId: string
  /** Empty for an id that was tombstoned before it had a stream. */
  readonly category: string
  /** The version of the last event; 0 for an id that was tombstoned before it had a stream. */
  readonly version: number
  readonly createdAt: Date
  /** When the last event was appended. */
  readonly updatedAt: Date
  readonly archivedAt: Date | undefined
  readonly tombstonedAt: Date | undefined
}

/** A row of {@link infoColumns}. */
export type InfoRow = readonly [
  category: string,
  version: string,
  createdAt: string,
  updatedAt: string,
  archivedAt: string | null,
  tombstonedAt: string | null,
]

/** What {@link toStreamInfo} reads, of `streams s` or of what has its columns; times are in milliseconds. */
export const infoColumns = [
  's.category',
  's.version::text as version',
  ...['created_at', 'updated_at', 'archived_at', 'tombstoned_at'].map(
    (column) => `floor(extract(epoch from s.${column}) * 1000)::bigint::text as ${column}`,
  ),
].join(', ')

const infoStatement = defineStatement(
  'stream_info',
  (schema) => `select ${infoColumns} from ${schema}.streams s where s.stream_id = $1::text`,
)

const existsStatement = defineStatement(
  'stream_exists',
  (schema) =>
    `select exists (select from ${schema}.streams s where s.stream_id = $1::text and s.tombstoned_at is null) as found`,
)

/** Looks a stream up; undefined when its id was never used. */
export async function streamInfo(scope: Scope, streamId: string): Promise<StreamInfo | undefined> {
  checkText('streamId', streamId)
  const { schema } = await scope.target()
  const { rows } = await scope.query<InfoRow>(infoStatement(schema, [streamId]))
  return rows[0] === undefined ? undefined : toStreamInfo(streamId, rows[0])
}

/** Tells whether a stream is there and not tombstoned. */
export async function streamExists(scope: Scope, streamId: string): Promise<boolean> {
  checkText('streamId', streamId)
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [found: boolean]>(existsStatement(schema, [streamId]))
  return rows[0]?.[0] === true
}

/** A stream as its row tells it. */
export function toStreamInfo(streamId: string, row: InfoRow): StreamInfo {
  const [category, version, createdAt, updatedAt, archivedAt, tombstonedAt] = row
  return {
    streamId,
    category,
    version: safeInteger(version, 'version'),
    createdAt: toDate(createdAt),
    updatedAt: toDate(updatedAt),
    archivedAt: archivedAt === null ? undefined : toDate(archivedAt),
    tombstonedAt: tombstonedAt === null ? undefined : toDate(tombstonedAt),
  }
}

function toDate(milliseconds: string): Date {
  return new Date(Number(milliseconds))
}
