import { once } from 'node:events'
import type { Writable } from 'node:stream'
import pg from 'pg'
import { loadPeer } from '../peers/load-peer.js'
import { peers } from '../peers/peers.js'
import { orderEvents } from './order-events.js'

/** What is used of `pg-copy-streams`. */
interface CopyStreams {
  readonly from: (text: string) => pg.Submittable & Writable
}

const COPY_STREAMS = 'copy rillflow.streams (stream_id, stream_no, category, version) from stdin'
const COPY_EVENTS =
  'copy rillflow.events (stream_no, version, stream_id, category, type, schema_version, data, event_id) from stdin'
const HIGH_WATER = 64 * 1024

/** Writes streams of new events into Rillflow's tables by plain COPY, in one transaction. */
export type CopyIn = (streams: number, eventsPerStream: number) => Promise<void>

/** Opens a connection for plain COPY; the rows are made in Node, as an import's are. */
export async function openCopy(url: string): Promise<{ readonly copyIn: CopyIn; readonly close: () => Promise<void> }> {
  const { from } = await loadPeer<CopyStreams>(peers.copyStreams, 'pg-copy-streams')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  let last = 0
  return {
    copyIn: async (streams, eventsPerStream) => {
      const numbers = Array.from({ length: streams }, () => (last += 1))
      await client.query('begin')
      await send(client.query(from(COPY_STREAMS)), streamLines(numbers, eventsPerStream))
      await send(client.query(from(COPY_EVENTS)), eventLines(numbers, eventsPerStream))
      await client.query('commit')
    },
    close: () => client.end(),
  }
}

function* streamLines(numbers: readonly number[], eventsPerStream: number): Generator<string> {
  for (const number of numbers) yield `order-${number}\t${number}\torder\t${eventsPerStream}\n`
}

function* eventLines(numbers: readonly number[], eventsPerStream: number): Generator<string> {
  for (const number of numbers) {
    let version = 0
    for (const { type, data } of orderEvents(eventsPerStream)) {
      version += 1
      const json = JSON.stringify(data).replaceAll('\\', '\\\\')
      yield `${number}\t${version}\torder-${number}\torder\t${type}\t1\t${json}\t${crypto.randomUUID()}\n`
    }
  }
}

/** In pieces of 64 KiB: a write for each line would be most of the work. */
async function send(copy: Writable, lines: Iterable<string>): Promise<void> {
  const finished = once(copy, 'finish')
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < HIGH_WATER) continue
    if (!copy.write(piece)) await Promise.race([once(copy, 'drain'), finished])
    piece = ''
  }
  copy.end(piece)
  await finished
}
