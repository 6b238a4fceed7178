import { setTimeout as sleep } from 'node:timers/promises'
import {
  before,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  safeInteger,
  type Connection,
  type RillflowError,
} from '@rillflow/core'
import { describeDocument } from '../describe-document.js'
import { findWritten, type WrittenRow } from '../sql/find-written.js'
import type { ChangeRequest } from './refuse-change.js'

/** Writes of one statement whose answer never came. */
export interface LostStatement {
  readonly schema: string
  /** What stands in the rows if they are written. */
  readonly writeId: string
  readonly writes: readonly ChangeRequest[]
  readonly lost: ConnectionLostError
}

/** The version that a write has made, or what is to be said of it. */
export type SettledWrite = number | RillflowError

interface Look {
  /** Nothing of the statement is under way any more. */
  readonly ended: boolean
  readonly rows: readonly WrittenRow[]
}

/** Finds out what became of writes whose answer never came, within a limited time. */
export class LostWrites {
  readonly #connection: Connection
  readonly #timeout: number

  /** @param timeout how long to look, in milliseconds */
  constructor(connection: Connection, timeout: number) {
    this.#connection = connection
    this.#timeout = timeout
  }

  /**
   * A row that has the mark of the statement was written by it, and last. One that has another was not, if it can be
   * seen that nothing of the statement came before; and nothing can be said before the server's process has ended.
   */
  async settle(statement: LostStatement): Promise<readonly SettledWrite[]> {
    const deadline = performance.now() + this.#timeout
    let seen: Look | undefined
    for (;;) {
      seen = (await before(deadline, this.#look(statement))) ?? seen
      const isOver = seen?.ended === true || seen?.rows.every(([, , isOurs]) => isOurs) === true
      if (isOver || performance.now() >= deadline) break
      await sleep(50)
    }
    return statement.writes.map((write, place) => judge(write, seen?.rows[place], { ...statement, ended: seen?.ended }))
  }

  /** One look, or undefined when it could not be taken: whatever the trouble is, it is not the writes' own. */
  async #look({ schema, writeId, writes, lost }: LostStatement): Promise<Look | undefined> {
    const addresses = JSON.stringify(writes.map(({ collection, id }) => [collection, id]))
    try {
      // Before the rows are read, not after: a process that ends in between may commit in between.
      const ended = await this.#connection.hasEnded(lost.sent?.backendPid)
      const { rows } = await this.#connection.query<WrittenRow>(findWritten(schema, [addresses, writeId]))
      return { ended, rows }
    } catch {
      return undefined
    }
  }
}

function judge(
  write: ChangeRequest,
  row: WrittenRow | undefined,
  { lost, ended }: { readonly lost: ConnectionLostError; readonly ended: boolean | undefined },
): SettledWrite {
  if (row === undefined) return unknown(write, lost)
  const version = row[1] === null ? 0 : safeInteger(row[1], 'version')
  if (row[2]) return version
  return ended === true && isProvenUndone(write, version) ? nothingStored(write, lost) : unknown(write, lost)
}

/** Tells whether the row, which has not the mark of the write, shows that the write was never there. */
function isProvenUndone({ operation, expected }: ChangeRequest, version: number): boolean {
  if (operation === 'purge') return version > 0
  // Versions only grow: one that would have been made of the expected version is another's, or was never reached.
  return version === 0 || (expected !== undefined && version <= expected + 1)
}

function nothingStored({ operation, collection, id }: ChangeRequest, lost: ConnectionLostError): ConnectionLostError {
  return new ConnectionLostError(
    `${operation}: the connection to PostgreSQL was lost. Rillflow looked: nothing of this call was stored for ` +
      `${describeDocument(collection, id)}, so it may simply be made again.`,
    lost.cause,
  )
}

function unknown({ operation, collection, id }: ChangeRequest, lost: ConnectionLostError): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    `${operation}: the connection to PostgreSQL was lost, and what is stored now, or could be seen in time, does not tell ` +
      `whether ${describeDocument(collection, id)} was written in between. Read it before you write it again, and give ` +
      'the version that you have read as `expected`.',
    lost,
  )
}
