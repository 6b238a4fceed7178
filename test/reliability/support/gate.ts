import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'

const checks = 6_000
const pauseMs = 10

/** SQL that waits until the gate is open. Two numbers, because a lock of one number looks like a writer's floor. */
export const passGate = 'perform pg_advisory_xact_lock_shared(4711, 1)'

/** A closed gate inside the server; what runs {@link passGate} stops there until it is opened. */
export class Gate implements AsyncDisposable {
  readonly #pool: Pool
  readonly #holder: PoolClient

  private constructor(pool: Pool, holder: PoolClient) {
    this.#pool = pool
    this.#holder = holder
  }

  static async close(pool: Pool): Promise<Gate> {
    const holder = await pool.connect()
    await holder.query('select pg_advisory_lock(4711, 1)')
    return new Gate(pool, holder)
  }

  /** Returns once somebody stands before the gate. */
  async untilReached(): Promise<void> {
    for (let check = 0; check < checks; check += 1) {
      const { rowCount } = await this.#pool.query(
        `select 1 from pg_locks where locktype = 'advisory' and classid = 4711 and objid = 1 and not granted`,
      )
      if (rowCount !== 0) return
      await pause(pauseMs)
    }
    throw new Error(`nobody came to the gate in ${checks} checks`)
  }

  async open(): Promise<void> {
    await this.#holder.query('select pg_advisory_unlock(4711, 1)')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.query('select pg_advisory_unlock_all()')
    this.#holder.release()
  }
}
