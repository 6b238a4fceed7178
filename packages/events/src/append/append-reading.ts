import { defineStatement, RillflowError, type TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '../event.js'
import { eventColumns, toStoredEvent, type EventRow } from '../read/stored-row.js'
import { appendMany, appendOne, type AppendOutcome } from './append-events.js'
import type { AppendHooks, SentAhead } from './append-hooks.js'
import type { PreparedAppend } from './prepare-append.js'

/**
 * The last events of streams, so many of each. Behind an append, in its transaction, they are what it wrote: the row of the
 * stream is held. The process of the server is told with them, for whoever has to find out what became of the COMMIT.
 * "offset 0" keeps it to the indexes: as a join it could be planned, while the tables are small, to read them whole.
 */
const readBackStatement = defineStatement(
  'read_appended',
  (schema) => `select ${eventColumns}, pg_backend_pid() as backend_pid
  from jsonb_array_elements($1::jsonb) as a (x)
    cross join lateral (
      select s.stream_no, s.version from ${schema}.streams s where s.stream_id = a.x ->> 0 offset 0) s
    cross join lateral (
      select * from ${schema}.events e
      where e.stream_no = s.stream_no and e.version > s.version - (a.x ->> 1)::bigint offset 0) e`,
)

type ReadRow = readonly [...EventRow, backendPid: number]

/** Appends of one statement inside a transaction. */
export interface AppendsToRead {
  readonly schema: string
  readonly appends: readonly PreparedAppend[]
  readonly notify: boolean
  /** Whether others may append in the same transaction; false where these are all of its appends. */
  readonly inTransaction: boolean
}

/** What became of appends, and what they wrote. */
export interface ReadAppends {
  readonly outcomes: readonly AppendOutcome[]
  /** The events that a hook wants, in the order of their positions. */
  readonly events: readonly StoredEvent[]
  /** The server's process that the transaction runs in. */
  readonly backendPid: number | undefined
  /** What the hooks have sent ahead. */
  readonly ahead: SentAhead
}

/**
 * Writes appends and reads what they wrote, in one flight where statements may be sent ahead. An append that was refused, or
 * whose idempotency key was used before, wrote nothing.
 */
export async function appendReading(
  scope: TransactionScope,
  batch: AppendsToRead,
  hooks: AppendHooks,
): Promise<ReadAppends> {
  const { schema, appends, notify, inTransaction } = batch
  const wanted = appends.filter((append) => hooks.wantsOf(append))
  const repeats = new Set<PreparedAppend>()
  const how = { notify, inTransaction, repeats }
  const [first] = appends
  const sent =
    appends.length === 1
      ? appendOne(scope, schema, first as PreparedAppend, how).then((outcome) => [outcome])
      : appendMany(scope, { schema, appends, ...how })
  const reading = readBack(scope, batch, wanted)
  const ahead = hooks.sendAhead(scope, wanted)
  // None may be under way any more when the transaction is undone.
  await Promise.allSettled([sent, reading, ahead])
  const outcomes = await sent
  const written = new Map<PreparedAppend, number>()
  for (const [index, append] of appends.entries()) {
    const outcome = outcomes[index] as AppendOutcome
    if (!(outcome instanceof RillflowError) && !repeats.has(append)) written.set(append, outcome.version)
  }
  const places = wanted.flatMap((append) => placesOf(append, written.get(append), hooks))
  let rows = await reading
  // What a second statement of the append wrote was not there yet.
  if (places.some((place) => !rows.has(place))) rows = await readBack(scope, batch, wanted)
  const found = places.map((place) => rows.get(place) as ReadRow)
  const events = found.map((row) => toStoredEvent(row as unknown as EventRow))
  return {
    outcomes,
    events: events.toSorted((one, other) => one.position - other.position),
    backendPid: rows.values().next().value?.[12],
    ahead: await ahead,
  }
}

/** Where the events of an append stand that a hook wants; none for one that wrote nothing. */
function placesOf(append: PreparedAppend, version: number | undefined, hooks: AppendHooks): readonly string[] {
  if (version === undefined) return []
  const before = version - append.events.length
  return append.events.flatMap(({ type }, index) =>
    hooks.wants(type) ? placeOf(append.streamId, before + index + 1) : [],
  )
}

function placeOf(streamId: string, version: number | string): string {
  return `${version} ${streamId}`
}

async function readBack(
  scope: TransactionScope,
  { schema, appends }: AppendsToRead,
  wanted: readonly PreparedAppend[],
): Promise<ReadonlyMap<string, ReadRow>> {
  const counts = new Map(wanted.map(({ streamId }) => [streamId, 0]))
  for (const { streamId, events } of appends) {
    const before = counts.get(streamId)
    if (before !== undefined) counts.set(streamId, before + events.length)
  }
  const { rows } = await scope.query<ReadRow>(readBackStatement(schema, [JSON.stringify([...counts])]))
  return new Map(rows.map((row) => [placeOf(row[10], row[1]), row]))
}
