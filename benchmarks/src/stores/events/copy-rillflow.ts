import { openCopyClient } from '../copy-client.js'
import { orderEvents } from './order-events.js'

const COPY_STREAMS = 'copy rillflow.streams (stream_id, stream_no, category, version) from stdin'
const COPY_EVENTS =
  'copy rillflow.events (stream_no, version, stream_id, category, type, schema_version, data, event_id) from stdin'

/** Writes streams of new events into Rillflow's tables by plain COPY, in one transaction. */
export type CopyIn = (streams: number, eventsPerStream: number) => Promise<void>

/** Opens a connection for plain COPY; the rows are made in Node, as an import's are. */
export async function openCopy(url: string): Promise<{ readonly copyIn: CopyIn; readonly close: () => Promise<void> }> {
  const { client, copy } = await openCopyClient(url)
  let last = 0
  return {
    copyIn: async (streams, eventsPerStream) => {
      const numbers = Array.from({ length: streams }, () => (last += 1))
      await client.query('begin')
      await copy(COPY_STREAMS, streamLines(numbers, eventsPerStream))
      await copy(COPY_EVENTS, eventLines(numbers, eventsPerStream))
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
