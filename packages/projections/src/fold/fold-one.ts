import type { StoredEvent } from '@rillflow/events'
import type { FoldOne, FoldProjection } from '../definition/any-projection.js'
import { ProjectionFailedError } from '../errors.js'
import { isPromise } from '../is-promise.js'
import { deepFreeze } from './deep-freeze.js'

/** How documents are made. */
export interface Folding {
  readonly projection: FoldProjection
  /** What is stored of a document; a promise only where a schema gives one. Throws for one that does not fit. */
  readonly settle: (key: string, doc: object) => unknown
  /** Whether each document is frozen, so that code that changes one fails where it does so. */
  readonly freeze: boolean
}

/**
 * The document of one key after an event, as it would be read back; undefined where there is none. A promise only where a
 * schema gives one.
 *
 * @throws ProjectionFailed
 */
export function foldOne(how: Folding, key: string, doc: unknown, event: StoredEvent): unknown {
  const { projection } = how
  const next = handled(projection, key, doc, event)
  // The same one means that nothing has changed; it need not be looked at, or written.
  if (next === undefined || next === doc) return next
  if (isPromise(next)) {
    next.catch(() => undefined)
    throw failed(how, { event, key }, 'its handler gave a promise. It must give the document itself, at once.')
  }
  if (typeof next !== 'object' || next === null || Array.isArray(next)) {
    throw failed(how, { event, key }, 'its handler gave no document. Give one, or undefined to delete it.')
  }
  return settled(how, { event, key }, next)
}

function handled({ name, on }: FoldProjection, key: string, doc: unknown, event: StoredEvent): unknown {
  try {
    return (on[event.type] as FoldOne)(doc, event, key)
  } catch (cause) {
    // Not what it says: that may hold what the event holds.
    throw new ProjectionFailedError({ projection: name, event, key, cause }, 'its handler threw; see the cause.')
  }
}

interface Place {
  readonly event: StoredEvent
  readonly key: string
}

function settled(how: Folding, place: Place, next: object): unknown {
  const refused = (cause: unknown): never => {
    throw failed(how, { ...place, cause }, 'its document does not fit; see the cause.')
  }
  const finish = (doc: unknown): unknown => (how.freeze ? deepFreeze(doc) : doc)
  try {
    const made = how.settle(place.key, next)
    return isPromise(made) ? made.then(finish, refused) : finish(made)
  } catch (cause) {
    return refused(cause)
  }
}

function failed(how: Folding, place: Place & { readonly cause?: unknown }, why: string): ProjectionFailedError {
  return new ProjectionFailedError({ projection: how.projection.name, ...place }, why)
}
