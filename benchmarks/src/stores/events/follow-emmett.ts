import { openEmmettStore } from './emmett.js'
import { numberOf, type OnEvent } from './feed.js'

/** emmett's consumer, with its own settings. */
export async function followEmmett(url: string, onEvent: OnEvent): Promise<() => Promise<void>> {
  const store = await openEmmettStore(url)
  const consumer = store.consumer()
  consumer.reactor({
    processorId: `reader-${process.pid}`,
    startFrom: 'END',
    eachMessage: ({ data }) => onEvent(numberOf(data)),
  })
  // Resolves when the consumer stops.
  const running = consumer.start()
  return async () => {
    await consumer.stop()
    await running
    await store.close()
  }
}
