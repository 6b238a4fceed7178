import pg from 'pg'
import { orderEvents } from './order-events.js'
import { POOL_SIZE } from '../pool.js'
import { rillflow } from './rillflow.js'

/** A statement as it was sent. */
export interface SentStatement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Rillflow's lone append, as it leaves the library. */
export interface RecordedAppend {
  readonly stream: string
  /** To a stream that must not exist. */
  readonly first: SentStatement
  /** To a stream that must stand at {@link RecordedAppend.version}. */
  readonly next: SentStatement
  readonly version: number
}

// Told apart from every other number among the values.
const VERSION = 7

/** Makes Rillflow's tables, and listens in on a few lone appends. */
export async function recordAppend(url: string): Promise<RecordedAppend> {
  const sent: SentStatement[] = []
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE, Client: recordingClient(sent) })
  pool.on('error', () => undefined)
  const stream = 'order-recorded'
  const store = await rillflow(url, { pool })
  sent.length = 0
  for (let version = 0; version <= VERSION; version += 1) await store.append(stream, version, orderEvents(1))
  await store.close()
  await pool.end()
  const appends = sent.filter(({ values }) => values.includes(stream))
  const [first, next] = [appends[0], appends[VERSION]]
  if (!first || !next) throw new Error('The statement of a lone append could not be recorded.')
  return { stream, first, next, version: VERSION }
}

/** A client that notes each statement with values before it is sent. */
function recordingClient(sent: SentStatement[]): new () => pg.ClientBase {
  return class extends pg.Client {
    override readonly query = ((...args: Parameters<pg.Client['query']>) => {
      const [config] = args as unknown as [Partial<SentStatement>]
      if (config.text !== undefined && config.values) sent.push({ text: config.text, values: config.values })
      return super.query(...args)
    }) as pg.Client['query']
  }
}
