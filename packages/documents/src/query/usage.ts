import type { Use } from './compile-condition.js'

/** A field and how it was used. */
export interface FieldUse {
  readonly field: string
  readonly use: Use | 'order'
}

/** A shape of queries, without a value, and how many were of it. */
export interface Shape {
  readonly uses: readonly FieldUse[]
  queries: number
}

/** Beyond that many shapes, further ones are not remembered. */
const maxShapes = 1_000

/** What the queries of a collection have asked for since the process began. */
export class Usage {
  readonly #shapes = new Map<string, Shape>()

  record(uses: readonly FieldUse[]): void {
    const key = uses.map(({ field, use }) => `${use}\0${field}`).join('\0')
    const known = this.#shapes.get(key)
    if (known !== undefined) known.queries += 1
    else if (this.#shapes.size < maxShapes) this.#shapes.set(key, { uses, queries: 1 })
  }

  shapes(): readonly Shape[] {
    return [...this.#shapes.values()]
  }
}
