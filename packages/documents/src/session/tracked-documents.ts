import { encodeJson } from '@rillflow/core'
import type { AnyDocument } from '../operations/document-body.js'

interface Tracked {
  readonly doc: AnyDocument
  json: string
}

/** Objects that were loaded to be changed in place, and how they were when they were last known. */
export class TrackedDocuments {
  readonly #tracked = new Map<string, Tracked>()

  track(id: string, doc: AnyDocument): void {
    if (this.#tracked.get(id)?.doc !== doc) this.#tracked.set(id, { doc, json: encodeJson(doc) })
  }

  /** The object that is followed; undefined for a document that is not. */
  get(id: string): AnyDocument | undefined {
    return this.#tracked.get(id)?.doc
  }

  /** Those that are no longer as they were. One that cannot be stored any more counts, and fails the save. */
  changed(): readonly { readonly id: string; readonly doc: AnyDocument }[] {
    return [...this.#tracked].filter(([, tracked]) => isChanged(tracked)).map(([id, { doc }]) => ({ id, doc }))
  }

  /** What was just saved is how the object was then; it may have changed since. */
  saved(id: string, json: string): void {
    const tracked = this.#tracked.get(id)
    if (tracked !== undefined) tracked.json = json
  }

  forget(id: string): void {
    this.#tracked.delete(id)
  }

  clear(): void {
    this.#tracked.clear()
  }
}

function isChanged({ doc, json }: Tracked): boolean {
  try {
    return encodeJson(doc) !== json
  } catch {
    return true
  }
}
