import { defineAggregate } from '@rillflow/aggregates'
import { defineEvents } from '@rillflow/events'
import { z } from 'zod'

/** Events whose schema makes something else of what it is given: defaults, another type, keys that go. */
export const SaleEvents = defineEvents('sale', {
  Sold: z.object({
    // Given as text, kept as a number: what has been through it once cannot go through it again.
    price: z.string().transform(Number),
    currency: z.string().default('EUR'),
    tags: z.array(z.string().trim()).default([]),
  }),
})

/** What came of sales, as their schema has it. */
export interface SaleState {
  readonly total: number
  readonly last: unknown
}

/** The sales of a day. */
export const Sales = defineAggregate('sales', {
  events: SaleEvents,
  initial: (): SaleState => ({ total: 0, last: null }),
  evolve: { Sold: ({ total }, { data }) => ({ total: total + data.price, last: data }) },
  snapshot: { every: 3, version: 1 },
})

/** A sale as it is given to the library. */
export function sold(price: string): { type: 'Sold'; data: { price: string; tags: string[] } } {
  const surplus = { surplus: true }
  return { type: 'Sold', data: { price, tags: [' new '], ...surplus } }
}

/** A sale as its schema makes it. */
export function asStored(price: number): object {
  return { price, currency: 'EUR', tags: ['new'] }
}
