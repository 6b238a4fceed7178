import { fromDriverError, isUndone, type RillflowError } from '@rillflow/core'
import { AbortedError, OverloadedError } from '../errors.js'
import type { AppendOutcome } from './append-events.js'
import type { PreparedAppend } from './prepare-append.js'

/** How concurrent appends of a process share statements. */
export interface GroupCommitOptions {
  /** How many appends may wait; one more is refused with `Overloaded`. 10,000 unless told. */
  readonly maxQueued?: number | undefined
}

/** Sends a batch as one statement and gives an outcome for each append, in order; throws when the statement failed. */
export type SendBatch = (appends: readonly PreparedAppend[]) => Promise<readonly AppendOutcome[]>

/** Tells whether a batch that failed is undone as a whole, so that each of its appends may be sent again alone. */
export type IsUndone = (error: unknown) => boolean

interface Waiting {
  readonly append: PreparedAppend
  readonly settle: (outcome: AppendOutcome) => void
}

/** Larger statements become slower for each event that they carry. */
const maxEventsInFlight = 1_000
const maxSizeInFlight = 8 * 1024 * 1024

/**
 * With so many events waiting and out, two statements of half of them each are better than one: the server works on one
 * while the other is on its way, or written to disk. Halves, because a large one and a small one are no better than one.
 */
const maxFlights = 2
const crowd = 40

/**
 * Coalesces the appends of one schema: while a statement is out, appends queue; when it lands, the queue leaves as one.
 * A lone append waits for nothing. Each append has its own outcome, and appends to one stream keep their order, because
 * a stream that is in flight is not sent again before it lands.
 */
export class AppendQueue {
  readonly #send: SendBatch
  readonly #maxQueued: number
  readonly #isUndone: IsUndone
  #waiting: Waiting[] = []
  readonly #streamsOut = new Set<string>()
  #waitingEvents = 0
  #eventsOut = 0
  #flights = 0
  #scheduled = false

  constructor(send: SendBatch, options: GroupCommitOptions, mayFlyAlone: IsUndone = isUndoneStatement) {
    this.#send = send
    this.#isUndone = mayFlyAlone
    this.#maxQueued = options.maxQueued ?? 10_000
  }

  /**
   * Queues an append. Its signal withdraws it as long as it has not left; afterwards its outcome is told all the same.
   *
   * @throws Overloaded, Aborted when it was not sent.
   */
  async submit(append: PreparedAppend, signal: AbortSignal | undefined): Promise<AppendOutcome> {
    if (signal?.aborted === true) throw new AbortedError(append.streamId, signal.reason)
    if (this.#waiting.length >= this.#maxQueued) throw new OverloadedError(this.#maxQueued)
    return new Promise((resolve, reject) => {
      const withdraw = (): void => {
        if (this.#remove(waiting)) reject(new AbortedError(append.streamId, signal?.reason))
      }
      const settle = (outcome: AppendOutcome): void => {
        signal?.removeEventListener('abort', withdraw)
        resolve(outcome)
      }
      const waiting: Waiting = { append, settle }
      this.#waiting.push(waiting)
      this.#waitingEvents += append.events.length
      signal?.addEventListener('abort', withdraw, { once: true })
      this.#schedule()
    })
  }

  /** Once the promises that are settled now have been followed up, so that callers that go on together leave together. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || !this.#mayFly()) return
    this.#scheduled = true
    process.nextTick(() => {
      this.#scheduled = false
      this.#depart()
    })
  }

  #mayFly(): boolean {
    return this.#flights === 0 || (this.#flights < maxFlights && this.#waitingEvents + this.#eventsOut >= crowd)
  }

  #depart(): void {
    if (!this.#mayFly()) return
    const batch = this.#take()
    if (batch.length === 0) return
    const events = batch.reduce((count, { append }) => count + append.events.length, 0)
    this.#flights += 1
    this.#eventsOut += events
    for (const { append } of batch) this.#streamsOut.add(append.streamId)
    void this.#fly(batch).finally(() => {
      this.#flights -= 1
      this.#eventsOut -= events
      for (const { append } of batch) this.#streamsOut.delete(append.streamId)
      this.#schedule()
    })
    this.#schedule()
  }

  /** Takes from the front what one statement carries. */
  #take(): readonly Waiting[] {
    const batch: Waiting[] = []
    const left: Waiting[] = []
    const load = new Load(this.#streamsOut, this.#share())
    for (const waiting of this.#waiting) (load.takes(waiting.append) ? batch : left).push(waiting)
    this.#waiting = left
    this.#waitingEvents -= load.events
    return batch
  }

  /** How many events the next statement takes at the most. */
  #share(): number {
    const events = this.#waitingEvents + this.#eventsOut
    // What no statement can carry whole comes in several anyway.
    return events < crowd || events > maxEventsInFlight ? maxEventsInFlight : Math.ceil(events / 2)
  }

  async #fly(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#send(batch.map(({ append }) => append))
      batch.forEach(({ settle }, index) => settle(outcomes[index] as AppendOutcome))
    } catch (error) {
      if (batch.length > 1 && this.#isUndone(error)) await this.#flyAlone(batch)
      else settleAll(batch, error)
    }
  }

  /** The batch failed as a whole, so nothing of it is stored: one bad append must not take the others with it. */
  async #flyAlone(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) {
      try {
        const [outcome] = await this.#send([waiting.append])
        waiting.settle(outcome as AppendOutcome)
      } catch (error) {
        settleAll([waiting], error)
      }
    }
  }

  #remove(waiting: Waiting): boolean {
    const index = this.#waiting.indexOf(waiting)
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#waitingEvents -= waiting.append.events.length
    return true
  }
}

/** What one statement carries: within its limits, and never so that an append overtakes another of its stream. */
class Load {
  readonly #held: Set<string>
  readonly #maxEvents: number
  readonly #aboard = new Set<string>()
  #events = 0
  #size = 0

  constructor(streamsOut: ReadonlySet<string>, maxEvents: number) {
    this.#held = new Set(streamsOut)
    this.#maxEvents = maxEvents
  }

  takes(append: PreparedAppend): boolean {
    const { streamId, events, size, idempotencyKey } = append
    // A batch may hold a key once, and finding out whether it does is not worth it: keyed appends are rare.
    const repeats = idempotencyKey !== undefined && this.#aboard.has(streamId)
    if (this.#held.has(streamId) || repeats || !this.#fits(events.length, size)) {
      this.#held.add(streamId)
      return false
    }
    this.#aboard.add(streamId)
    this.#events += events.length
    this.#size += size
    return true
  }

  get events(): number {
    return this.#events
  }

  #fits(events: number, size: number): boolean {
    if (this.#events === 0) return true
    return this.#events + events <= this.#maxEvents && this.#size + size <= maxSizeInFlight
  }
}

/** What the server has undone for the sake of one of the appends, perhaps. */
export function isUndoneStatement(error: unknown): boolean {
  return isUndone(fromDriverError(error, 'append'))
}

function settleAll(batch: readonly Waiting[], error: unknown): void {
  const outcome: RillflowError = fromDriverError(error, 'append')
  for (const { settle } of batch) settle(outcome)
}
