import type { StoredEvent } from '@rillflow/events'
import type { PageSource } from '../delivery/page-source.js'

/**
 * Gives events as they come, without end and without a checkpoint.
 *
 * @throws UnknownEventType, EventTooNew, UpcastFailed at the event that cannot be read.
 */
export async function* tail(
  makeSource: () => Promise<PageSource>,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent, void, undefined> {
  try {
    const source = await makeSource()
    for (;;) {
      const page = await source.next(signal)
      for (const event of page.events) {
        if (signal.aborted) return
        yield event
      }
      if (page.unreadable !== undefined) throw page.unreadable.error
    }
  } catch (error) {
    // Being told to end is no failure.
    if (!signal.aborted) throw error
  }
}
