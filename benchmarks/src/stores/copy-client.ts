import { once } from 'node:events'
import type { Writable } from 'node:stream'
import pg from 'pg'
import { loadPeer } from '../peers/load-peer.js'
import { peers } from '../peers/peers.js'

/** What is used of `pg-copy-streams`. */
interface CopyStreams {
  readonly from: (text: string) => pg.Submittable & Writable
}

/** A connection that can be given lines to COPY. */
export interface CopyClient {
  readonly client: pg.Client
  readonly copy: (statement: string, lines: Iterable<string>) => Promise<void>
}

const HIGH_WATER = 64 * 1024

/** Opens a connection for plain COPY. */
export async function openCopyClient(url: string): Promise<CopyClient> {
  const { from } = await loadPeer<CopyStreams>(peers.copyStreams, 'pg-copy-streams')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return { client, copy: (statement, lines) => send(client.query(from(statement)), lines) }
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
