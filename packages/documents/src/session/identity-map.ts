import type { AnyDocument } from '../operations/document-body.js'

/** What a session knows of a document in the database; version 0 and no document when it is missing or deleted. */
export interface Loaded {
  readonly version: number
  readonly doc: AnyDocument | undefined
}

interface Entry {
  readonly loading: Promise<Loaded>
  loaded?: Loaded
}

/** Remembers what one session has loaded from one collection. */
export class IdentityMap {
  readonly #entries = new Map<string, Entry>()

  /** Whether it is known, or on its way. */
  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** What is known already; undefined while nothing is, or while it is on its way. */
  known(id: string): Loaded | undefined {
    return this.#entries.get(id)?.loaded
  }

  /** What is known, else what `read` finds; two calls at once read once. A read that fails is forgotten. */
  async load(id: string, read: () => Promise<Loaded>): Promise<Loaded> {
    const present = this.#entries.get(id)
    if (present !== undefined) return present.loading
    const entry: Entry = { loading: read() }
    this.#entries.set(id, entry)
    try {
      return (entry.loaded = await entry.loading)
    } catch (error) {
      if (this.#entries.get(id) === entry) this.#entries.delete(id)
      throw error
    }
  }

  /** Replaces what is known, also what a read that is under way will bring. */
  set(id: string, loaded: Loaded): void {
    this.#entries.set(id, { loading: Promise.resolve(loaded), loaded })
  }

  forget(id: string): void {
    this.#entries.delete(id)
  }

  clear(): void {
    this.#entries.clear()
  }
}
