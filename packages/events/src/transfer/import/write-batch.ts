import {
  canCopy,
  copyIn,
  defineStatement,
  fromDriverError,
  ident,
  literal,
  safeInteger,
  type ClientLike,
  type Connection,
} from '@rillflow/core'
import {
  claimsOf,
  claimStatement,
  closedStatement,
  encodeClaims,
  toClaimed,
  type ClaimedStream,
  type ClaimRow,
  type ClosedRow,
} from './claim-streams.js'
import type { ImportBatch } from './collect-batch.js'
import { fromMicros } from '../created-at.js'
import { encodeCopy, importColumns } from './encode-copy.js'
import { RowRefusal } from './import-failed-error.js'
import { advanceStatement, importMoved } from './import-log.js'
import { insertStatement, rowsPerInsert } from './insert-rows.js'
import { inLentTransaction, rowsOf } from './lent-transaction.js'
import { nameRefusal } from '../../append/name-refusal.js'
import { placeRows, type PlacedRow } from './place-rows.js'

/** Where a batch goes. */
export interface BatchTarget {
  readonly connection: Connection
  readonly schema: string
  /** Of the import; undefined for one that is not resumable. */
  readonly name: string | undefined
}

/** What a batch has stored. */
export interface WrittenBatch {
  /** The position of its last event. */
  readonly position: number
  /** How many streams it has begun. */
  readonly streams: number
}

const floorStatement = defineStatement(
  'import_floor',
  (schema) => `select (extract(epoch from now()) * 1000000)::bigint::text as now from ${schema}.hold_floor()`,
)

const lastStatement = defineStatement(
  'import_last',
  (schema) => `select pg_catalog.currval(${literal(`${schema}.events_position_seq`)})::text as "position"`,
)

/**
 * Stores a batch in one transaction.
 *
 * The progress of the import and the streams come first: both may have to wait for other transactions, and the floor,
 * which holds the head of the feed for all readers, is taken only when nothing is left to wait for. It is held before
 * the first position is drawn, as every writer does it.
 *
 * @throws RowRefusal for a row that the database, or its stream, refuses.
 */
export async function writeBatch(target: BatchTarget, batch: ImportBatch): Promise<WrittenBatch> {
  const { connection, schema } = target
  try {
    return await inLentTransaction(connection, 'import', async (client) => {
      await advance(client, target, batch)
      const claimed = await claim(client, schema, batch)
      const [floor] = await rowsOf<readonly [now: string]>(client, floorStatement(schema, []))
      const rows = placeRows(batch, claimed, fromMicros(floor?.[0] ?? ''))
      await store(client, schema, { first: batch.first, rows })
      const [last] = await rowsOf<readonly [position: string]>(client, lastStatement(schema, []))
      const streams = [...claimed.values()].filter(({ isNew }) => isNew).length
      return { position: safeInteger(last?.[0] ?? '', 'position'), streams }
    })
  } catch (error) {
    throw nameRefusal(error, schema)
  }
}

async function advance(client: ClientLike, { schema, name }: BatchTarget, batch: ImportBatch): Promise<void> {
  if (name === undefined) return
  const before = batch.first - 1
  const moved = await rowsOf(client, advanceStatement(schema, name, before, before + batch.rows.length))
  if (moved.length === 0) throw importMoved(name)
}

async function claim(
  client: ClientLike,
  schema: string,
  batch: ImportBatch,
): Promise<ReadonlyMap<string, ClaimedStream>> {
  const claims = claimsOf(batch.rows)
  const rows = await rowsOf<ClaimRow>(client, claimStatement(schema, [encodeClaims(claims)]))
  if (rows.length === claims.length) return toClaimed(claims, rows, [])
  const open = new Set(rows.map(([streamId]) => streamId))
  const rest = claims.map(({ streamId }) => streamId).filter((streamId) => !open.has(streamId))
  return toClaimed(claims, rows, await rowsOf<ClosedRow>(client, closedStatement(schema, [JSON.stringify(rest)])))
}

interface PlacedBatch {
  readonly first: number
  readonly rows: readonly PlacedRow[]
}

async function store(client: ClientLike, schema: string, batch: PlacedBatch): Promise<void> {
  try {
    await (canCopy(client) ? copy(client, schema, batch) : insert(client, schema, batch))
  } catch (error) {
    const mapped = fromDriverError(error, 'import')
    const line = lineOf(error)
    // A connection that ends is told with a line too, and no row is to blame for it.
    if (line === undefined || mapped.retryable) throw mapped
    throw new RowRefusal(batch.first + line - 1, nameRefusal(mapped, schema))
  }
}

async function insert(client: ClientLike, schema: string, { rows }: PlacedBatch): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsPerInsert)
    await rowsOf(client, insertStatement(schema, rows.slice(from, from + rowsPerInsert)))
}

async function copy(client: ClientLike, schema: string, { rows }: PlacedBatch): Promise<void> {
  // The encoding is named: a client_encoding that somebody set for the connection would read the bytes as others.
  const text = `/* rillflow:import */ copy ${ident(schema)}.events (${importColumns}) from stdin with (format text, encoding 'UTF8')`
  await copyIn(client, text, encodeCopy(rows))
}

/** The line of a COPY that the server tells with its error, below the trigger that raised it if there is one. */
function lineOf(error: unknown): number | undefined {
  const { where } = (error ?? {}) as { readonly where?: unknown }
  const line = typeof where === 'string' ? /^COPY events, line (\d+)/m.exec(where)?.[1] : undefined
  return line === undefined ? undefined : Number(line)
}
