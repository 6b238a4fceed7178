import { AbortedError } from '@rillflow/core'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'

interface Known {
  readonly aggregate: AnyAggregate
  readonly loaded: AnyLoaded
  /** The last turn that was asked for before the database was. */
  readonly since: number
}

interface Lane {
  last: Promise<void>
  waiting: number
  known: Known | undefined
}

/**
 * Lets the executions of one process on one stream run one after the other, so that they conflict with those of other
 * processes alone, and hand the state on: the next one need not load what the one before has just written.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  #asked = 0

  /** Waits for the turn on a stream. @throws Aborted */
  async enter(schema: string, id: string, signal: AbortSignal | undefined): Promise<Turn> {
    const key = `${schema}\0${id}`
    const lane = this.#lanes.get(key) ?? { last: Promise.resolve(), waiting: 0, known: undefined }
    this.#lanes.set(key, lane)
    lane.waiting += 1
    this.#asked += 1
    const place = this.#asked
    const before = lane.last
    let leave = (): void => undefined
    lane.last = new Promise((resolve) => (leave = resolve))
    const end = (): void => {
      lane.waiting -= 1
      if (lane.waiting === 0) this.#lanes.delete(key)
      leave()
    }
    try {
      await untilAborted(before, signal, id)
    } catch (error) {
      void before.then(end)
      throw error
    }
    return new Turn(lane, { place, asked: () => this.#asked, end })
  }
}

/** One execution's turn on its stream. */
export class Turn {
  readonly #lane: Lane
  readonly #place: number
  readonly #asked: () => number
  readonly #end: () => void
  #left = false

  constructor(lane: Lane, how: { place: number; asked: () => number; end: () => void }) {
    this.#lane = lane
    this.#place = how.place
    this.#asked = how.asked
    this.#end = how.end
  }

  /**
   * The state that an execution before has left here. Only to one that was waiting already when that one asked the
   * database: a later one might have seen what happened since, and must not decide on less.
   */
  known(aggregate: AnyAggregate): AnyLoaded | undefined {
    const { known } = this.#lane
    if (this.#left || known === undefined || known.aggregate !== aggregate) return undefined
    return this.#place <= known.since ? known.loaded : undefined
  }

  /** To be called before the database is asked; gives what to leave its answer by. */
  asking(aggregate: AnyAggregate): (loaded: AnyLoaded) => void {
    const since = this.#asked()
    return (loaded) => {
      if (!this.#left) this.#lane.known = { aggregate, loaded, since }
    }
  }

  /** Nothing is known any more: somebody else wrote, or it is not known what was written. */
  forget(): void {
    if (!this.#left) this.#lane.known = undefined
  }

  /** Lets the next one go on. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#end()
  }
}

async function untilAborted(turn: Promise<void>, signal: AbortSignal | undefined, id: string): Promise<void> {
  if (signal === undefined) return turn
  const aborted = (): AbortedError => new AbortedError(id, signal.reason)
  if (signal.aborted) throw aborted()
  let stop = (): void => undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted())
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([turn, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
