import fc from 'fast-check'

/** The streams that a history is about. */
export const streams = ['s-0', 's-1', 's-2'] as const

/** Where something is done: by which of the two processes, on which stream. */
interface Place {
  readonly process: 0 | 1
  readonly stream: (typeof streams)[number]
}

/** One thing that happens to streams and their snapshots. */
export type Action =
  | (Place & {
      readonly kind: 'commit'
      readonly by: 'execute' | 'transaction' | 'session'
      readonly amounts: readonly number[]
    })
  | (Place & { readonly kind: 'append'; readonly amounts: readonly number[] })
  | (Place & { readonly kind: 'load' })
  | (Place & { readonly kind: 'take snapshots'; readonly threshold: number; readonly batch: number })
  | (Place & { readonly kind: 'new shape' })

/** What happens: what stands in one step happens at the same time. */
export interface History {
  /** The policy of snapshots. */
  readonly every: number
  readonly steps: readonly (readonly Action[])[]
}

const place = { process: fc.constantFrom(0 as const, 1 as const), stream: fc.constantFrom(...streams) }
const amounts = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 12 })

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ...place,
      kind: fc.constant('commit' as const),
      by: fc.constantFrom('execute' as const, 'execute' as const, 'transaction' as const, 'session' as const),
      amounts,
    }),
  },
  { weight: 3, arbitrary: fc.record({ ...place, kind: fc.constant('append' as const), amounts }) },
  { weight: 2, arbitrary: fc.record({ ...place, kind: fc.constant('load' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...place,
      kind: fc.constant('take snapshots' as const),
      threshold: fc.integer({ min: 1, max: 20 }),
      batch: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...place, kind: fc.constant('new shape' as const) }) },
)

/** Histories of two processes that run different versions of the program for most of the time. */
export const histories: fc.Arbitrary<History> = fc.record({
  every: fc.integer({ min: 1, max: 20 }),
  steps: fc.array(fc.array(action, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 10 }),
})
