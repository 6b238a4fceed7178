import { InvalidStateError } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import type { Delivery } from './delivery.js'
import { nacked } from './nack.js'

/** An event that its consumer acknowledges itself. */
export interface ManualDelivery<Event extends StoredEvent = StoredEvent> extends Delivery<Event> {
  /**
   * Tells that the event was handled. The checkpoint moves when all before it are told too.
   *
   * @throws LeaseLost when somebody else handles it by now; InvalidState when something was told of it before.
   */
  ack(): void
  /** Gives the event up: it becomes a dead letter, by the policy of the run, and is not tried again. */
  nack(reason?: unknown): void
}

/** When an event of an iteration counts as handled: when the next one is asked for, or when it is told. */
export type AckMode = 'auto' | 'manual'

interface Waiting {
  readonly delivery: Delivery
  readonly settle: (error?: Error) => void
}

/**
 * Gives what `run` delivers one by one, until the signal is aborted; what is not acknowledged then comes again the next
 * time.
 */
export async function* iterate(
  run: (handle: (delivery: Delivery) => Promise<void>) => Promise<void>,
  { ack, signal }: { readonly ack: AckMode; readonly signal: AbortSignal },
): AsyncGenerator<ManualDelivery, void, undefined> {
  const queue = new Queue(signal)
  const running = run((delivery) => queue.offer(delivery))
  running.then(
    () => queue.end(undefined),
    (error: unknown) => queue.end({ error }),
  )
  try {
    for (;;) {
      const next = await queue.take()
      if (next === undefined) return
      yield manual(next)
      // Asking for the next one is the first moment that tells that this one was seen.
      if (ack === 'auto') next.settle()
    }
  } finally {
    queue.abandon()
    // Its error was thrown above, or nobody waits for it any more.
    await running.catch(() => undefined)
  }
}

function manual({ delivery, settle }: Waiting): ManualDelivery {
  let told = false
  const tell = (error?: Error): void => {
    delivery.signal.throwIfAborted()
    if (told) throw new InvalidStateError('ack: something was told of this delivery before.')
    told = true
    settle(error)
  }
  // The delivery itself, which a transaction recognises, and not a copy.
  return Object.assign(delivery, { ack: () => tell(), nack: (reason?: unknown) => tell(nacked(reason)) })
}

/** Deliveries that wait for somebody to take them. */
class Queue {
  readonly #waiting: Waiting[] = []
  readonly #taken = new Set<Waiting>()
  readonly #signal: AbortSignal
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** Resolves when the delivery is settled. */
  async offer(delivery: Delivery): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        delivery,
        settle: (error) => {
          this.#taken.delete(waiting)
          if (error === undefined) resolve()
          else reject(error)
        },
      }
      this.#waiting.push(waiting)
      this.#wake()
    })
  }

  /** The next delivery that is still wanted; undefined at the end. Throws what ended the run. */
  async take(): Promise<Waiting | undefined> {
    while (!this.#signal.aborted) {
      const next = this.#waiting.shift()
      // One that was withdrawn meanwhile, with its lease, comes again.
      if (next?.delivery.signal.aborted === true) continue
      if (next !== undefined) {
        this.#taken.add(next)
        return next
      }
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return undefined
  }

  /** The run has ended, in failure or not. */
  end(failure: { readonly error: unknown } | undefined): void {
    this.#ended = true
    this.#failure = failure
    this.#wake()
  }

  /** Lets go of all that nobody will settle any more. */
  abandon(): void {
    const gone = new Error('the iteration was left')
    for (const each of [...this.#waiting, ...this.#taken]) each.settle(gone)
    this.#waiting.length = 0
  }
}
