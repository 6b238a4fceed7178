import type { ClientLike } from '@rillflow/core'
import type pg from 'pg'
import type { Order, Shop } from '../../src/shop.js'

/** One transaction of a library. */
export interface Caller {
  /** The adapter over it. */
  readonly client: ClientLike
  /** Writes a row of the caller's own by the library's own means. */
  readonly insert: (id: string) => Promise<unknown>
  /** Runs what may fail by an SQL error as the library wants it: in a savepoint of its own, where it asks for one. */
  readonly guarded: <Result>(work: (client: ClientLike) => Promise<Result>) => Promise<Result>
}

/** A library that begins and ends transactions. */
export interface Library {
  transaction<Result>(work: (caller: Caller) => Promise<Result>): Promise<Result>
  /** The example of the guide. */
  placeOrder(shop: Shop, order: Order): Promise<void>
  /** Whether the adapter's statements are prepared, and planned once for a connection. */
  readonly prepares: boolean
  /** The adapter over what is in no transaction. */
  outside(): Promise<ClientLike>
  close(): Promise<unknown>
}

/** What a library is opened on: the pool that the store has too, or the URL where it cannot share it. */
export interface Connections {
  readonly pool: pg.Pool
  readonly url: string
}

export type OpenLibrary = (connections: Connections) => Promise<Library>
