import { setTimeout as pause } from 'node:timers/promises'
import { makePool } from '../pool.js'
import { numberOf, type OnEvent } from './feed.js'

const EVERY_MS = 100
const NEXT = 'select position, type, data from plain.events where position > $1::bigint order by position limit 1000'

/** The usual hand-written reader: `position > last`, ten times a second. It loses what commits out of order. */
export async function followPlain(url: string, onEvent: OnEvent): Promise<() => Promise<void>> {
  const pool = makePool(url, 1)
  const head = await pool.query<{ last: string }>('select coalesce(max(position), 0) as last from plain.events')
  let last = head.rows[0]?.last ?? '0'
  const stopping = new AbortController()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { rows } = await pool.query<{ position: string; data: unknown }>({
        name: 'next',
        text: NEXT,
        values: [last],
      })
      for (const { data } of rows) onEvent(numberOf(data))
      last = rows.at(-1)?.position ?? last
      if (rows.length === 0) await pause(EVERY_MS)
    }
  }
  const running = run()
  return async () => {
    stopping.abort()
    await running
    await pool.end()
  }
}
