import type { Pool, PoolClient } from 'pg'
import type { ReliabilityStore } from './open-store.js'

/** A transaction on a connection of its own that a test takes step by step. */
export class OpenTransaction implements AsyncDisposable {
  readonly #client: PoolClient
  readonly #store: ReliabilityStore

  private constructor(client: PoolClient, store: ReliabilityStore) {
    this.#client = client
    this.#store = store
  }

  /** Begins one whose `settings` (`set local …`) tell triggers of the test which transaction they are in. */
  static async begin(pool: Pool, store: ReliabilityStore, settings = ''): Promise<OpenTransaction> {
    const client = await pool.connect()
    await client.query(`begin; ${settings}`)
    return new OpenTransaction(client, store)
  }

  async append(streamId: string): Promise<void> {
    await this.#store.transaction({ client: this.#client }, (tx) =>
      tx.events.append(streamId, [{ type: 'Placed', data: {} }]),
    )
  }

  async put(id: string): Promise<void> {
    await this.#store.transaction({ client: this.#client }, (tx) => tx.docs.notes.put({ id, streams: [] }))
  }

  async commit(): Promise<void> {
    await this.#client.query('commit')
  }

  /** Rolls back what was not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.query('rollback')
    this.#client.release()
  }
}
