import type { EventStore } from './event-store.js'
import { countRows, makePool } from '../pool.js'
import { PLAIN_APPEND, PLAIN_LOAD, PLAIN_TABLES, plainEvents } from './plain-tables.js'

/** Plain `pg`: one named, prepared statement for each call, on a pool. */
export async function plainPg(url: string): Promise<EventStore> {
  const pool = makePool(url)
  await pool.query(PLAIN_TABLES)
  return {
    append: async (stream, version, events) => {
      const values = [stream, version, plainEvents(events)]
      const { rowCount } = await pool.query({ name: 'append', text: PLAIN_APPEND, values })
      if (rowCount !== 1) throw new Error(`Stream ${stream} does not stand at version ${version}.`)
    },
    load: async (stream) => (await pool.query({ name: 'load', text: PLAIN_LOAD, values: [stream] })).rows.length,
    count: () => countRows(url, 'plain.events'),
    close: () => pool.end(),
  }
}

/** Plain `pg` as most people write it: BEGIN, a statement for the stream, one for each event, COMMIT. */
export async function plainTransactions(url: string): Promise<EventStore> {
  const store = await plainPg(url)
  const pool = makePool(url)
  const claim =
    'insert into plain.streams as s (stream_id, version) values ($1, $2::bigint + $3::bigint) on conflict (stream_id) ' +
    'do update set version = excluded.version where s.version = $2 returning stream_no'
  const insert =
    'insert into plain.events (stream_no, stream_id, version, type, data, event_id) values ($1, $2, $3, $4, $5, $6)'
  return {
    ...store,
    append: async (stream, version, events) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const { rows } = await client.query<{ stream_no: string }>(claim, [stream, version, events.length])
        if (!rows[0]) throw new Error(`Stream ${stream} does not stand at version ${version}.`)
        for (const [index, { type, data }] of events.entries()) {
          const at = version + index + 1
          await client.query(insert, [rows[0].stream_no, stream, at, type, JSON.stringify(data), crypto.randomUUID()])
        }
        await client.query('commit')
        client.release()
      } catch (error) {
        client.release(true)
        throw error
      }
    },
    close: async () => {
      await pool.end()
      await store.close()
    },
  }
}
