import type { StoredEvent } from '@rillflow/events'
import { checkWhole } from '../consumers/consumer-key.js'

/** How events become messages. */
export interface EventStreamOptions<Event extends StoredEvent> {
  /** What a message holds, as JSON; the event's data unless told. */
  readonly data?: ((event: Event) => unknown) | undefined
  /** A comment after each silence of so many milliseconds keeps proxies from closing; 15,000 unless told. */
  readonly keepAlive?: number | undefined
}

/**
 * Makes of events the body of a web response of type `text/event-stream`. The id of a message is the event's position:
 * what a browser sends as `Last-Event-ID` is where `tail` goes on. It ends with the error of an event that cannot be read.
 *
 * @throws InvalidArgument
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * @example
 * ```ts ignore
 * const events = store.subscriptions.tail({ after: Number(request.headers.get('last-event-id') ?? 0), signal: request.signal })
 * return new Response(eventStream(events), { headers: { 'content-type': 'text/event-stream' } })
 * ```
 */
export function eventStream<Event extends StoredEvent>(
  events: AsyncIterable<Event>,
  { data = (event) => event.data, keepAlive = 15_000 }: EventStreamOptions<Event> = {},
): ReadableStream<Uint8Array> {
  checkWhole('keepAlive', keepAlive, [1, 2 ** 31 - 1])
  const iterator = events[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  // Kept over a comment: asking the iterator again would skip what it is about to give.
  let coming: Promise<IteratorResult<Event>> | undefined
  return new ReadableStream({
    async pull(controller) {
      coming ??= iterator.next()
      let timer: NodeJS.Timeout | undefined
      const silence = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), keepAlive)
      })
      try {
        const next = await Promise.race([coming, silence])
        if (next === undefined) return controller.enqueue(encoder.encode(': \n\n'))
        coming = undefined
        if (next.done === true) return controller.close()
        controller.enqueue(encoder.encode(messageOf(next.value, data(next.value))))
      } finally {
        clearTimeout(timer)
      }
    },
    async cancel() {
      // Not awaited: one that waits for its next event ends with its signal. Nobody is left to hear of its errors.
      iterator.return?.().catch(() => undefined)
    },
  })
}

/** JSON has no line breaks outside its strings' escapes, but a type may hold any text. */
function messageOf(event: StoredEvent, data: unknown): string {
  const type = event.type.replaceAll(/[\r\n]/g, ' ')
  return `id: ${event.position}\nevent: ${type}\ndata: ${JSON.stringify(data) ?? 'null'}\n\n`
}
