import { AbortedError, OverloadedError } from '@rillflow/core'

/** How a queue tells its calls apart and sends them. */
export interface BatchQueueOptions<Item, Outcome> {
  /** What its calls are, as errors name them. */
  readonly calls: 'reads' | 'writes'
  readonly describe: (item: Item) => ConstructorParameters<typeof AbortedError>[0]
  /** Calls with one address keep their order, and never leave together; undefined when order means nothing to them. */
  readonly addressOf?: ((item: Item) => string) | undefined
  /** Calls of one kind may leave together; one kind unless told. */
  readonly kindOf?: ((item: Item) => string) | undefined
  readonly sizeOf?: ((item: Item) => number) | undefined
  readonly maxItems: number
  readonly maxSize?: number | undefined
  /** A lone call: by the statement that is best for one. Throws for the call alone. */
  readonly sendOne: (item: Item) => Promise<Outcome>
  /** Several calls as one statement, an outcome or error for each; throws when all of it failed and nothing is done. */
  readonly sendMany: (items: readonly Item[]) => Promise<readonly (Outcome | Error)[]>
  /** True for an error after which nothing is done, and which may be one call's alone: then each is sent by itself. */
  readonly isUndone: (error: unknown) => boolean
}

interface Waiting<Item, Outcome> {
  readonly item: Item
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
  /** Called when the call leaves, after which it cannot be withdrawn. */
  leave?: () => void
}

/** How many calls may wait. */
export const maxWaiting = 10_000

/** A second statement at the same time pays only when so much waits that one cannot carry it. */
const maxFlights = 2
const crowd = 128

/**
 * Coalesces concurrent calls: while a statement is out, calls queue; when it lands, the queue leaves as one. A lone call
 * waits for nothing but the turn of the event loop.
 */
export class BatchQueue<Item, Outcome> {
  readonly #options: BatchQueueOptions<Item, Outcome>
  #waiting: Waiting<Item, Outcome>[] = []
  readonly #out = new Set<string>()
  #flights = 0
  #scheduled = false

  constructor(options: BatchQueueOptions<Item, Outcome>) {
    this.#options = options
  }

  /**
   * Queues a call. Its signal withdraws it as long as it has not left; afterwards its outcome is told all the same.
   *
   * @throws Overloaded, Aborted when it was not sent.
   */
  async submit(item: Item, signal: AbortSignal | undefined): Promise<Outcome> {
    if (signal?.aborted === true) throw this.#aborted(item, signal)
    if (this.#waiting.length >= maxWaiting) throw new OverloadedError(maxWaiting, this.#options.calls)
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Item, Outcome> = { item, resolve, reject }
      this.#waiting.push(waiting)
      if (signal !== undefined) this.#withdrawOn(signal, waiting)
      this.#schedule()
    })
  }

  /** Waits until nothing is queued or out. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#flights > 0) await new Promise((resolve) => setImmediate(resolve))
  }

  #withdrawOn(signal: AbortSignal, waiting: Waiting<Item, Outcome>): void {
    const withdraw = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.reject(this.#aborted(waiting.item, signal))
    }
    signal.addEventListener('abort', withdraw, { once: true })
    waiting.leave = () => signal.removeEventListener('abort', withdraw)
  }

  #aborted(item: Item, signal: AbortSignal): AbortedError {
    return new AbortedError(this.#options.describe(item), signal.reason)
  }

  /** After the present turn of the event loop, so that callers that go on together leave together. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || !this.#mayFly()) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#depart()
    })
  }

  #mayFly(): boolean {
    return this.#flights === 0 || (this.#flights < maxFlights && this.#waiting.length >= crowd)
  }

  #depart(): void {
    if (!this.#mayFly()) return
    const batch = this.#take()
    if (batch.length === 0) return
    const addresses = batch.flatMap(({ item }) => this.#options.addressOf?.(item) ?? [])
    for (const address of addresses) this.#out.add(address)
    this.#flights += 1
    void this.#fly(batch).finally(() => {
      this.#flights -= 1
      for (const address of addresses) this.#out.delete(address)
      this.#schedule()
    })
    this.#schedule()
  }

  /** Takes from the front what one statement carries, so that nothing overtakes a call with its own address. */
  #take(): readonly Waiting<Item, Outcome>[] {
    const { addressOf, kindOf, sizeOf, maxItems, maxSize = Number.POSITIVE_INFINITY } = this.#options
    const held = new Set(this.#out)
    const batch: Waiting<Item, Outcome>[] = []
    const left: Waiting<Item, Outcome>[] = []
    let kind: string | undefined
    let size = 0
    for (const waiting of this.#waiting) {
      const address = addressOf?.(waiting.item)
      const own = kindOf?.(waiting.item) ?? ''
      const grown = size + (sizeOf?.(waiting.item) ?? 0)
      const isFull = batch.length >= maxItems || (batch.length > 0 && grown > maxSize)
      if (isFull || (kind ?? own) !== own || (address !== undefined && held.has(address))) left.push(waiting)
      else {
        waiting.leave?.()
        batch.push(waiting)
        kind = own
        size = grown
      }
      if (address !== undefined) held.add(address)
    }
    this.#waiting = left
    return batch
  }

  async #fly(batch: readonly Waiting<Item, Outcome>[]): Promise<void> {
    const [first] = batch
    if (batch.length === 1 && first !== undefined) return this.#flyAlone(first)
    try {
      const outcomes = await this.#options.sendMany(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, place) => {
        const outcome = outcomes[place] as Outcome | Error
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      })
    } catch (error) {
      // One bad call must not take the others with it.
      if (this.#options.isUndone(error)) for (const waiting of batch) await this.#flyAlone(waiting)
      else for (const { reject } of batch) reject(error)
    }
  }

  async #flyAlone({ item, resolve, reject }: Waiting<Item, Outcome>): Promise<void> {
    await this.#options.sendOne(item).then(resolve, reject)
  }
}
