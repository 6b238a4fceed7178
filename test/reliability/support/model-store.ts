import { aggregates, defineAggregate, type AggregatesShape } from '@rillflow/aggregates'
import { createStore, singleTenant, typed, type Module, type PoolLike, type SingleStore } from '@rillflow/core'
import { defineEvents, events, type EventsShape } from '@rillflow/events'

const families = { order: defineEvents('order', { Placed: typed<{ readonly n: number }>() }) }

/** Which of two releases of the program knows the aggregate: its state has another meaning in each. */
export type Shape = 1 | 2

/** All numbers of a stream in their order, times the shape: a wrong event, order or snapshot shows. */
export interface Tally {
  readonly shape: Shape
  readonly numbers: readonly number[]
}

/** A snapshot is taken whenever a commit crosses a multiple of this. */
export const every = 3

const defineTally = (shape: Shape) =>
  defineAggregate('tally', {
    events: families.order,
    initial: (): Tally => ({ shape, numbers: [] }),
    evolve: { Placed: ({ numbers, ...rest }, { data }) => ({ ...rest, numbers: [...numbers, data.n * shape] }) },
    snapshot: { every, version: shape },
  })

/** One aggregate, as each of the releases defines it. */
export const tallies = { 1: defineTally(1), 2: defineTally(2) }

type Modules = {
  readonly events: Module<EventsShape<typeof families>>
  readonly aggregates: Module<AggregatesShape>
}

/** The store that is held against the model. */
export type ModelStore = SingleStore<Modules>

/** Opens it on a pool, which it does not end. */
export function openModelStore(pool: PoolLike, schema: string): ModelStore {
  return createStore({
    connection: { pool },
    tenancy: singleTenant({ schema }),
    modules: { events: events(families), aggregates: aggregates() },
  })
}
