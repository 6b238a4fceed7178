import { z } from 'zod'
import type { SchemaShape } from '../../src/scenario/aggregate-shape.js'

/** As that of `@rillflow/core`, on which this package cannot build: it stands on this one. */
function typed<Value>() {
  const validate = (value: unknown): { readonly value: Value } => ({ value: value as Value })
  return {
    '~standard': { validate, types: undefined as { readonly input: Value; readonly output: Value } | undefined },
  }
}

const schemas = {
  OrderPlaced: z.object({ total: z.number(), currency: z.string().default('EUR') }),
  OrderShipped: typed<{ carrier: string; at?: Date | string | undefined }>(),
  OrderClosed: typed<Readonly<Record<string, unknown>>>(),
} satisfies Record<string, SchemaShape>

/** What a decision may give. */
export type OrderEvent =
  | { readonly type: 'OrderPlaced'; readonly data: { readonly total: number; readonly currency?: string | undefined } }
  | {
      readonly type: 'OrderShipped'
      readonly data: { readonly carrier: string; readonly at?: Date | string | undefined }
    }
  | { readonly type: 'OrderClosed'; readonly data: Readonly<Record<string, unknown>> }

export interface OrderState {
  readonly id: string
  readonly status: 'new' | 'placed' | 'shipped' | 'closed'
  readonly total: number
  readonly lines: readonly { readonly name: string }[]
}

interface Read<Data> {
  readonly type: string
  readonly data: Data
  readonly streamId: string
  readonly version: number
}

export class NotPlacedError extends Error {
  override readonly name = 'NotPlacedError'
  readonly code = 'NotPlaced'
  readonly status: string

  constructor(status: string) {
    super(`The order is ${status}, and must be placed first.`)
    this.status = status
  }
}

/** An aggregate in the form that `defineAggregate` gives it. */
export const Order = {
  name: 'order',
  events: { category: 'order', schemas },
  initial: (id: string): OrderState => ({ id, status: 'new', total: 0, lines: [] }),
  evolve: {
    OrderPlaced: (order: OrderState, { data }: Read<{ total: number; currency: string }>): OrderState => ({
      ...order,
      status: 'placed',
      total: data.total,
    }),
    OrderShipped: (order: OrderState): OrderState => ({ ...order, status: 'shipped' }),
    OrderClosed: (order: OrderState): OrderState => ({ ...order, status: 'closed' }),
  },
  validate: (order: OrderState): void => {
    if (order.total > 1000) throw new RangeError('no order is over 1000')
  },
  commands: {
    place:
      (total: number) =>
      (order: OrderState): readonly OrderEvent[] =>
        order.status === 'new' ? [{ type: 'OrderPlaced', data: { total } }] : [],
    ship:
      ({ carrier }: { readonly carrier: string }) =>
      (order: OrderState): readonly OrderEvent[] => {
        if (order.status !== 'placed') throw new NotPlacedError(order.status)
        return [{ type: 'OrderShipped', data: { carrier } }]
      },
  },
}

/** One event, as most scenarios begin. */
export const placed = [{ type: 'OrderPlaced', data: { total: 9 } }] as const
