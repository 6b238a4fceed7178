import { InvalidArgumentError, validate } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import { deepFreeze } from '../fold/deep-freeze.js'
import { foldEvents } from '../fold/fold-events.js'
import { foldOne, type Folding } from '../fold/fold-one.js'
import { keysOf, type KeyedEvent } from '../fold/keys-of.js'
import { isPromise } from '../is-promise.js'
import { isTable, type FoldProjection } from './any-projection.js'
import { selects } from './selection.js'

/** Documents by key. */
type Docs = ReadonlyMap<string, unknown>

/**
 * The documents after events, from those before them, as a store makes them of what the projection selects, and without one:
 * scenarios of `@rillflow/testing` are folded so. Nothing is given the columns of a table that it leaves out.
 *
 * @throws ProjectionFailed
 */
export async function foldInMemory(
  projection: FoldProjection,
  docs: Docs,
  events: readonly StoredEvent[],
): Promise<Docs> {
  const batch = keysOf(projection, events.filter(selects(projection)))
  const how: Folding = { projection, freeze: true, settle: (key, doc) => settle(projection, key, doc) }
  if (projection.mode === 'live') return foldLiving(how, docs, batch)
  const { puts, deletes } = await foldEvents(how, batch, docs)
  const made = new Map(docs)
  for (const key of deletes) made.delete(key)
  for (const { id, json } of puts) made.set(id, deepFreeze(JSON.parse(json) as unknown))
  return made
}

/** A live document is never stored, and so may hold what JSON cannot. */
async function foldLiving(how: Folding, docs: Docs, batch: readonly KeyedEvent[]): Promise<Docs> {
  const made = new Map(docs)
  for (const { event, keys } of batch) {
    for (const key of keys) {
      const doc = await foldOne(how, key, made.get(key), event)
      if (doc === undefined) made.delete(key)
      else made.set(key, doc)
    }
  }
  return made
}

function settle({ name, mode, to }: FoldProjection, key: string, doc: object): unknown {
  if (mode === 'live') return validate(to.schema, doc, `The document of ${name}`)
  const table = isTable(to) ? to : undefined
  const what = `document ${JSON.stringify(key)} of ${JSON.stringify(to.name)}`
  const made = validate(to.schema, doc, table === undefined ? what : `The row ${JSON.stringify(key)} of ${to.name}`)
  const check = (valid: unknown): unknown => checkKey(valid, key, table?.key)
  return isPromise(made) ? made.then(check) : check(made)
}

function checkKey(doc: unknown, key: string, column: string | undefined): unknown {
  const held = (doc as Readonly<Record<string, unknown>> | null)?.[column ?? 'id']
  // A column may hold a number; its key is text all the same.
  if ((column === undefined ? held : String(held)) === key) return doc
  throw column === undefined
    ? new InvalidArgumentError('id', 'The id of a document must be the key that it was made for.')
    : new InvalidArgumentError(column, `The column ${column} must hold the key of the row.`)
}
