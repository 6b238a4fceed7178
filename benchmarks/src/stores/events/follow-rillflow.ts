import { numberOf, type OnEvent } from './feed.js'
import { openRillflowStore } from './rillflow.js'

/** Rillflow's feed: waits for the safe head, woken by appends, and reads up to it. */
export async function followRillflow(url: string, onEvent: OnEvent): Promise<() => Promise<void>> {
  const store = await openRillflowStore(url)
  const stopping = new AbortController()
  let last = await store.events.head()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await store.events.waitForHead(last, { signal: stopping.signal })
      for await (const { data, position } of store.events.readAll({ after: last })) {
        onEvent(numberOf(data))
        last = position
      }
    }
  }
  // Stopping rejects what is being waited for.
  const running = run().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
  return async () => {
    stopping.abort()
    await running
    await store.close()
  }
}
