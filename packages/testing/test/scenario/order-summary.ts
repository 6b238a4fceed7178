import { z } from 'zod'
import type { FoldedProjection, PlacedEvent } from '../../src/scenario/projection/projection-shape.js'
import { Order } from './order.js'

export interface Summary {
  id: string
  total: number
  /** Grows with each event, also with one that comes again. */
  events?: number | undefined
  tags: string[]
}

/** What a store throws for an event that cannot be projected. */
export class ProjectionFailed extends Error {
  override readonly name = 'ProjectionFailedError'
  readonly code = 'ProjectionFailed'
}

/** Events that are about orders and not of them. */
const NoteEvents = {
  category: 'note',
  schemas: { Noted: z.object({ text: z.string(), count: z.number().default(1) }) },
} as const

/** The events that came to be folded, for tests of what they look like. */
export const seen: PlacedEvent[] = []

/** A projection in the form that `defineProjection` gives it, with a fold of its own; it takes no part in what is stored. */
export const OrderSummary = {
  name: 'order-summary',
  kind: 'fold',
  from: [Order.events, NoteEvents],
  doc: undefined as Summary | undefined,
  async fold(docs, events) {
    const made = new Map(docs)
    for (const event of events) {
      seen.push(event)
      foldOne(made, event)
    }
    return Promise.resolve(made)
  },
} satisfies FoldedProjection & { readonly kind: string }

function foldOne(docs: Map<string, unknown>, { type, data, streamId }: PlacedEvent): void {
  const doc = docs.get(streamId) as Summary | undefined
  const { total = 0, text = '' } = data as { readonly total?: number; readonly text?: string }
  if (total > 1000)
    throw new ProjectionFailed('its handler threw; see the cause.', { cause: new RangeError('too much') })
  if (type === 'OrderPlaced') docs.set(streamId, { id: streamId, total, tags: [] })
  if (type === 'OrderClosed') docs.delete(streamId)
  if (type === 'Noted') docs.set(streamId, { id: streamId, total, tags: [...(doc?.tags ?? []), text] })
}
