import { setTimeout as sleep } from 'node:timers/promises'
import {
  before,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  defineStatement,
  type Connection,
} from '@rillflow/core'
import type { AppendOutcome } from './append-events.js'
import { toResult } from './append-result.js'
import type { PreparedAppend } from './prepare-append.js'

/** What is looked for after a connection was lost with a batch on it. */
export interface LostBatch {
  readonly schema: string
  readonly appends: readonly PreparedAppend[]
  readonly lost: ConnectionLostError
  /** How long to look, in milliseconds. */
  readonly budget: number
}

/** Looks from the stream's end of what was there before: no index knows event ids. */
const findStatement = defineStatement(
  'find_appended',
  (schema) => `select a.i::text as i, e.version::text as version, e.position::text as "position"
  from jsonb_array_elements($1::jsonb) with ordinality as a (x, i)
    join ${schema}.streams s on s.stream_id = a.x ->> 0
    join ${schema}.events e on e.stream_no = s.stream_no and e.version > (a.x ->> 2)::bigint and e.event_id = (a.x ->> 1)::uuid`,
)

/** What became of each append; undefined for one that is not stored. */
type Found = readonly (AppendOutcome | undefined)[]

/**
 * Finds out what became of appends whose answer never came. Their events have ids that were made here, so those that are
 * stored are found; and once the server's process is gone, what is not found will never be stored.
 *
 * Gives an outcome for each, undefined for an append that was refused by the batch that did commit.
 *
 * @throws ConnectionLost when nothing was stored.
 * @throws CommitOutcomeUnknown when it could not be found out within the budget.
 */
export async function settleUnknown(connection: Connection, batch: LostBatch): Promise<Found> {
  const deadline = performance.now() + batch.budget
  let found: Found = batch.appends.map(() => undefined)
  for (;;) {
    const seen = await before(deadline, look(connection, batch))
    found = seen?.found ?? found
    // One that is found does not tell of the others: an earlier call with the same ids may have stored it, and then the
    // batch may yet commit.
    if (seen?.ended === true && !found.some(isStored)) throw nothingStored(batch.lost)
    if (seen?.ended === true || found.every(isStored)) return found
    if (performance.now() >= deadline) return giveUp(found, batch.lost)
    await sleep(50)
  }
}

function isStored(outcome: AppendOutcome | undefined): boolean {
  return outcome !== undefined
}

/** What is stored is told, even if nothing is known of the others. */
function giveUp(found: Found, lost: ConnectionLostError): Found {
  if (!found.some(isStored)) throw unknown(lost)
  return found.map((outcome) => outcome ?? unknown(lost))
}

/** One look, or undefined when it could not be taken: whatever the trouble is, it is not the appends' own. */
async function look(connection: Connection, batch: LostBatch): Promise<{ ended: boolean; found: Found } | undefined> {
  try {
    // Before the rows are read, not after: a process that ends in between may commit in between.
    const ended = await connection.hasEnded(batch.lost.sent?.backendPid)
    return { ended, found: await find(connection, batch) }
  } catch {
    return undefined
  }
}

async function find(connection: Connection, batch: LostBatch): Promise<Found> {
  const wanted = batch.appends.map(({ streamId, events, expected }) => [
    streamId,
    events.at(-1)?.id,
    typeof expected === 'number' ? expected : 0,
  ])
  const { rows } = await connection.query<readonly [i: string, version: string, position: string]>(
    findStatement(batch.schema, [JSON.stringify(wanted)]),
  )
  const outcomes: (AppendOutcome | undefined)[] = batch.appends.map(() => undefined)
  for (const [i, version, position] of rows) {
    const index = Number(i) - 1
    outcomes[index] = toResult(batch.appends[index] as PreparedAppend, version, position)
  }
  return outcomes
}

function nothingStored(lost: ConnectionLostError): ConnectionLostError {
  return new ConnectionLostError(
    'append: the connection to PostgreSQL was lost. Rillflow looked: nothing of this append was stored, so it may simply be made again.',
    lost.cause,
  )
}

function unknown(lost: ConnectionLostError): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    'append: the connection to PostgreSQL was lost and could not be made again in time to see whether the events are stored. ' +
      'Append again with an idempotency key or an expected version, which cannot store them twice.',
    lost,
  )
}
