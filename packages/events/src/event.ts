import type { JsonObject } from '@rillflow/core'

/** An event to append. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
  /** A UUID; made when left out. */
  readonly id?: string | undefined
  /** Merged over those of the append and of the context, key by key. */
  readonly headers?: JsonObject | undefined
  readonly causationId?: string | undefined
  readonly correlationId?: string | undefined
}

/** What a fold needs of an event. */
export interface BareEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
  readonly streamId: string
  /** The place in the stream: 1, 2, 3 … without holes. */
  readonly version: number
}

/** An event as it is stored. */
export interface StoredEvent<Type extends string = string, Data = unknown> extends BareEvent<Type, Data> {
  /** A UUID. */
  readonly id: string
  /** The place in the store: rising, with holes where a transaction rolled back. */
  readonly position: number
  readonly category: string
  readonly schemaVersion: number
  readonly headers: JsonObject
  readonly causationId: string | undefined
  readonly correlationId: string | undefined
  /** The server's clock at the start of the transaction that wrote it. */
  readonly createdAt: Date
}
