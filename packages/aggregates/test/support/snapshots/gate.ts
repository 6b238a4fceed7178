import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'

const CHECKS = 12_000
const PAUSE_MS = 5

/** A statement of plpgsql that waits until the gate is open. Two numbers: a lock of one looks like a writer's floor. */
export const passGate = 'perform pg_advisory_xact_lock_shared(4712, 1);'

/** A closed gate inside a database: what comes to {@link passGate} stops there until it is opened. */
export class Gate implements AsyncDisposable {
  readonly #pool: Pool
  readonly #holder: PoolClient

  private constructor(pool: Pool, holder: PoolClient) {
    this.#pool = pool
    this.#holder = holder
  }

  static async close(pool: Pool): Promise<Gate> {
    const holder = await pool.connect()
    await holder.query('select pg_advisory_lock(4712, 1)')
    return new Gate(pool, holder)
  }

  /** Returns once so many stand before the gate. */
  async untilReached(count = 1): Promise<void> {
    for (let check = 0; check < CHECKS; check += 1) {
      // Of this database alone: other test files have gates in theirs.
      const { rowCount } = await this.#pool.query(
        `select 1 from pg_locks where locktype = 'advisory' and classid = 4712 and objid = 1 and not granted
          and database = (select oid from pg_database where datname = current_database())`,
      )
      if (rowCount === count) return
      await pause(PAUSE_MS)
    }
    throw new Error(`After ${CHECKS} checks there are still not ${count} at the gate.`)
  }

  async open(): Promise<void> {
    await this.#holder.query('select pg_advisory_unlock_all()')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.open()
    this.#holder.release()
  }
}
