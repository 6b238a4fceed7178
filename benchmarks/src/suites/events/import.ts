import { defineSuite, type Contender } from '../../harness/suite.js'
import { openCopy, type CopyIn } from '../../stores/events/copy-rillflow.js'
import { countRows } from '../../stores/pool.js'
import { orderEvents } from '../../stores/events/order-events.js'
import { openRillflowStore } from '../../stores/events/rillflow.js'
import { markLoss } from '../mark-loss.js'

const EVENTS = 200_000
const EVENTS_PER_STREAM = 20
const CASES = [{ name: '200,000 events' }]

type OpenImport = (url: string) => Promise<{ readonly copyIn: CopyIn; readonly close: () => Promise<void> }>

/** New streams in bulk; a round is one import, however long that takes. */
export const importCopy = defineSuite({
  name: 'import',
  about: 'events',
  title: 'Import in bulk',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: importing(rillflowImport), 'pg, COPY': importing(plainCopy) },
  targets: [{ case: '200,000 events', against: 'pg, COPY', atLeast: 0.6 }],
})

function importing(open: OpenImport): Contender<object> {
  return async ({ url, scaled }) => {
    const { copyIn, close } = await open(url)
    const streams = Math.ceil(scaled(EVENTS) / EVENTS_PER_STREAM)
    return {
      round: async () => {
        const before = await countRows(url, 'rillflow.events')
        const start = performance.now()
        await copyIn(streams, EVENTS_PER_STREAM)
        const elapsed = (performance.now() - start) / 1_000
        const events = streams * EVENTS_PER_STREAM
        return markLoss({ value: events / elapsed }, events, (await countRows(url, 'rillflow.events')) - before)
      },
      close,
    }
  }
}

async function rillflowImport(url: string) {
  const store = await openRillflowStore(url)
  let last = 0
  function* source(streams: number, eventsPerStream: number) {
    for (let number = 0; number < streams; number += 1) {
      const streamId = `order-${(last += 1)}`
      for (const event of orderEvents(eventsPerStream)) yield { ...event, streamId }
    }
  }
  return {
    copyIn: async (streams: number, eventsPerStream: number) => {
      await store.events.import(source(streams, eventsPerStream))
    },
    close: () => store.close(),
  }
}

async function plainCopy(url: string) {
  await (await openRillflowStore(url)).close()
  return await openCopy(url)
}
