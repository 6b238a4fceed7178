import { defineAggregate, type AggregateDefinition } from '@rillflow/aggregates'
import { AccountEvents } from '../account.js'

/** A state in which every event shows, and its place among the others. */
export interface Tally {
  /** The version of the program that made it. */
  readonly shape: number
  readonly events: number
  /** Another one for each order of the same events, and for each shape. */
  readonly digest: number
  readonly owners: readonly string[]
}

/** The aggregate as one version of the program has it. */
export type TallyAggregate = AggregateDefinition<Tally, (typeof AccountEvents)['schemas']>

interface Counted {
  readonly type: string
  readonly data: { readonly owner: string } | { readonly amount: number }
}

/** The state after one event. */
export function count(tally: Tally, { type, data }: Counted): Tally {
  const text = `${tally.digest} ${type} ${JSON.stringify(data)}`
  let digest = tally.shape
  for (const letter of text) digest = (digest * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003
  const owners = 'owner' in data ? [...tally.owners, data.owner].slice(-3) : tally.owners
  return { ...tally, events: tally.events + 1, digest, owners }
}

/** The state before the first event. */
export function emptyTally(shape: number): Tally {
  return { shape, events: 0, digest: 0, owners: [] }
}

/** The aggregate with snapshots of this shape. */
export function defineTally(shape: number, every: number): TallyAggregate {
  return defineAggregate('tally', {
    events: AccountEvents,
    initial: (): Tally => emptyTally(shape),
    evolve: { Opened: count, Deposited: count, Withdrawn: count },
    snapshot: { every, version: shape },
  })
}
