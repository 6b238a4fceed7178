import { InvalidArgumentError, validate } from '@rillflow/core'
import type { EventFamilies, EventReads } from '@rillflow/events'
import { insideOf, type FoldProjection } from '../definition/any-projection.js'
import { selects } from '../definition/selection.js'
import { foldOne, type Folding } from '../fold/fold-one.js'
import { isPromise } from '../is-promise.js'

/**
 * Folds the events of one stream into the document that they make; nothing is stored.
 *
 * @throws InvalidArgument for a projection that is not live; ProjectionFailed.
 */
export async function foldLive(
  events: Pick<EventReads<EventFamilies>, 'readStream'>,
  projection: unknown,
  key: string,
  freeze: boolean,
): Promise<unknown> {
  const live = checkLive(projection)
  const isSelected = selects(live)
  const settle = (_: string, doc: object): unknown => validate(live.to.schema, doc, `The document of ${live.name}`)
  const how: Folding = { projection: live, settle, freeze }
  let doc: unknown
  for await (const event of events.readStream(key)) {
    if (!isSelected(event)) continue
    const made = foldOne(how, key, doc, event)
    doc = isPromise(made) ? await made : made
  }
  return doc
}

function checkLive(projection: unknown): FoldProjection {
  const inside = insideOf(projection)
  if (inside?.kind === 'fold' && inside.mode === 'live') return inside
  throw new InvalidArgumentError(
    'projection',
    inside === undefined
      ? 'projection must be a definition: what defineProjection has made.'
      : `The projection ${inside.name} is ${inside.mode}: what it makes is stored where its \`to\` says. Read it there.`,
  )
}
