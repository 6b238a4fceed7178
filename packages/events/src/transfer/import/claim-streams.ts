import { defineStatement, safeInteger } from '@rillflow/core'
import type { ImportRow } from './prepare-row.js'

/** A stream of a batch, with its versions claimed; or closed, with nothing claimed. */
export interface ClaimedStream {
  readonly streamNo: string
  readonly category: string
  /** The version of the batch's first event of the stream. */
  readonly firstVersion: number
  /** Whether the batch begins the stream. */
  readonly isNew: boolean
  readonly closed: 'archived' | 'tombstoned' | undefined
}

/**
 * Takes the rows of all streams in the order of the parameter, and raises their versions. Unlike in a set, the order is
 * sure: the rows are inserted as the sort gives them.
 */
export const claimStatement = defineStatement(
  'import_claim',
  (schema) => `insert into ${schema}.streams as s (stream_id, category, version, created_at, updated_at)
  select c.x ->> 0, c.x ->> 1, (c.x ->> 2)::bigint, coalesce((c.x ->> 3)::timestamptz, now()),
    greatest((c.x ->> 4)::timestamptz, case when (c.x ->> 5)::boolean then now() end)
  from jsonb_array_elements($1::jsonb) with ordinality as c (x, i) order by c.i
  on conflict (stream_id) do update set version = s.version + excluded.version, updated_at = greatest(s.updated_at, excluded.updated_at)
    where s.archived_at is null and s.tombstoned_at is null
  returning s.stream_id, s.stream_no::text as stream_no, s.version::text as version, s.category`,
)

/** A row of {@link claimStatement}. */
export type ClaimRow = readonly [streamId: string, streamNo: string, version: string, category: string]

/** Asked when the claim left streams out: closed ones. */
export const closedStatement = defineStatement(
  'import_closed',
  (schema) => `select s.stream_id, (s.tombstoned_at is not null)::text as tombstoned from ${schema}.streams s
  where s.stream_id in (select jsonb_array_elements_text($1::jsonb))`,
)

/** A row of {@link closedStatement}. */
export type ClosedRow = readonly [streamId: string, tombstoned: string]

/** What a batch asks of one stream; it grows row by row. */
export interface StreamClaim {
  readonly streamId: string
  readonly category: string
  count: number
  /** The time of its first event; null for now. */
  readonly firstAt: string | null
  /** The latest time among its events that have one. */
  latestAt: string | null
  /** Whether an event of it has the time of the import. */
  hasNow: boolean
}

/** What a batch asks of its streams, in the order in which every writer takes them; two that did not would deadlock. */
export function claimsOf(rows: readonly ImportRow[]): readonly StreamClaim[] {
  const claims = new Map<string, StreamClaim>()
  for (const { streamId, category, createdAt } of rows) {
    let claim = claims.get(streamId)
    if (claim === undefined) {
      claim = { streamId, category, count: 0, firstAt: createdAt, latestAt: null, hasNow: false }
      claims.set(streamId, claim)
    }
    claim.count += 1
    if (createdAt === null) claim.hasNow = true
    else if (claim.latestAt === null || createdAt > claim.latestAt) claim.latestAt = createdAt
  }
  return [...claims.values()].toSorted((one, other) => (one.streamId < other.streamId ? -1 : 1))
}

/** The claims as the parameter of {@link claimStatement}. */
export function encodeClaims(claims: readonly StreamClaim[]): string {
  const encode = (claim: StreamClaim): readonly unknown[] => {
    const { streamId, category, count, firstAt, latestAt, hasNow } = claim
    return [streamId, category, count, firstAt, latestAt, hasNow]
  }
  return JSON.stringify(claims.map(encode))
}

/** What the database said, by stream. */
export function toClaimed(
  claims: readonly StreamClaim[],
  rows: readonly ClaimRow[],
  closed: readonly ClosedRow[],
): ReadonlyMap<string, ClaimedStream> {
  const counts = new Map(claims.map(({ streamId, count }) => [streamId, count]))
  const claimed = new Map<string, ClaimedStream>()
  for (const [streamId, streamNo, version, category] of rows) {
    const before = safeInteger(version, 'version') - (counts.get(streamId) ?? 0)
    claimed.set(streamId, { streamNo, category, firstVersion: before + 1, isNew: before === 0, closed: undefined })
  }
  for (const [streamId, tombstoned] of closed) {
    const state = tombstoned === 'true' ? 'tombstoned' : 'archived'
    claimed.set(streamId, { streamNo: '', category: '', firstVersion: 0, isNew: false, closed: state })
  }
  return claimed
}
