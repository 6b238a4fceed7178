/** An event that was begun, or a place behind the last one of a page. */
export interface Entry {
  readonly position: number
  done: boolean
}

/** What was begun and is not acknowledged yet, in the order of positions. */
export class Acks {
  #entries: Entry[] = []
  #through: number

  /** `position` is where the checkpoint stands. */
  constructor(position: number) {
    this.#through = position
  }

  /** Everything up to here is done. */
  get through(): number {
    return this.#through
  }

  /** Begins the event at `position`, which lies behind all that were begun. */
  begin(position: number): Entry {
    const entry = { position, done: false }
    this.#entries.push(entry)
    return entry
  }

  /** Whether nothing before this entry is still open. */
  isFirst(entry: Entry): boolean {
    return this.#entries[0] === entry
  }

  /** True when the place up to which everything is done has moved. */
  done(entry: Entry): boolean {
    entry.done = true
    let first = this.#entries[0]
    if (first !== entry) return false
    // Taken from the front by index: shifting each would copy the rest each time.
    let count = 0
    while (first?.done === true) {
      this.#through = first.position
      count += 1
      first = this.#entries[count]
    }
    this.#entries = this.#entries.slice(count)
    return true
  }
}
