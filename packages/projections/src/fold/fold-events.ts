import { encodeJson } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import { ProjectionFailedError } from '../errors.js'
import { isPromise } from '../is-promise.js'
import { foldOne, type Folding } from './fold-one.js'
import type { KeyedEvent } from './keys-of.js'

/** What is to be written of a batch: documents as JSON, and the keys of those that are gone. */
export interface Changes {
  readonly puts: readonly { readonly id: string; readonly json: string }[]
  readonly deletes: readonly string[]
}

/** The document of a key, before a batch and now. */
interface Slot {
  readonly before: unknown
  now: unknown
  last: StoredEvent | undefined
}

/**
 * Folds a batch in memory, in the order of its events, into the documents that are there: what comes out is what folding
 * and storing one event after the other would store.
 *
 * @throws ProjectionFailed
 */
export async function foldEvents(
  how: Folding,
  batch: readonly KeyedEvent[],
  docs: ReadonlyMap<string, unknown>,
): Promise<Changes> {
  const slots = new Map<string, Slot>()
  for (const { event, keys } of batch) {
    for (const key of keys) {
      const slot = slots.get(key) ?? newSlot(docs.get(key))
      slots.set(key, slot)
      const made = foldOne(how, key, slot.now, event)
      // Awaiting what is no promise would cost a turn of the event loop for each event.
      slot.now = isPromise(made) ? await made : made
      slot.last = event
    }
  }
  const changed = [...slots].filter(([, slot]) => slot.now !== slot.before)
  return {
    puts: changed.flatMap(([key, slot]) => (slot.now === undefined ? [] : { id: key, json: encode(how, key, slot) })),
    deletes: changed.filter(([, slot]) => slot.now === undefined).map(([key]) => key),
  }
}

function newSlot(doc: unknown): Slot {
  return { before: doc, now: doc, last: undefined }
}

function encode({ projection }: Folding, key: string, { now, last }: Slot): string {
  try {
    return encodeJson(now)
  } catch (cause) {
    throw new ProjectionFailedError(
      { projection: projection.name, event: last, key, cause },
      'its document cannot be stored; see the cause.',
    )
  }
}
