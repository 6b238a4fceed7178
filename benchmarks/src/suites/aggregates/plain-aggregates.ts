import { orderEvents, type OrderEvent } from '../../stores/events/order-events.js'
import { PLAIN_APPEND, PLAIN_LOAD, PLAIN_TABLES, plainEvents } from '../../stores/events/plain-tables.js'
import { countRows, makePool } from '../../stores/pool.js'
import { FILLED_AT_ONCE, type AggregateStore } from './aggregate-store.js'
import { noOrders, withOrder } from './order-fold.js'

/** Plain `pg`: one named, prepared statement to load, and one to append. */
export async function plainAggregates(url: string): Promise<AggregateStore> {
  const pool = makePool(url)
  await pool.query(PLAIN_TABLES)
  const load = async (stream: string) =>
    (await pool.query<OrderEvent>({ name: 'load', text: PLAIN_LOAD, values: [stream] })).rows.reduce(
      withOrder,
      noOrders(),
    )
  const append = async (stream: string, version: number, events: readonly OrderEvent[]): Promise<void> => {
    const values = [stream, version, plainEvents(events)]
    const { rowCount } = await pool.query({ name: 'append', text: PLAIN_APPEND, values })
    if (rowCount !== 1) throw new Error(`Stream ${stream} does not stand at version ${version}.`)
  }
  return {
    fill: async (stream, length) => {
      for (let version = 0; version < length; version += FILLED_AT_ONCE) {
        await append(stream, version, orderEvents(Math.min(FILLED_AT_ONCE, length - version)))
      }
    },
    load,
    // Each event is one order.
    execute: async (stream) => append(stream, (await load(stream)).orders, orderEvents(1)),
    isConflict: () => false,
    count: () => countRows(url, 'plain.events'),
    close: () => pool.end(),
  }
}
