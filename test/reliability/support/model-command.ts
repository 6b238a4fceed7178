import { isRillflowError } from '@rillflow/core'
import fc from 'fast-check'
import type pg from 'pg'
import type { EventModel } from './event-model.js'
import type { ModelStore } from './model-store.js'

/** What was tried, so that a test can tell whether it proves anything. */
export interface Tried {
  commands: number
  /** Loads where the snapshot is of the same shape, of an older or newer one, or of a stream that was lost. */
  ownSnapshots: number
  staleSnapshots: number
  newerSnapshots: number
  lostSnapshots: number
  /** Snapshots that were written with events, and apart from them. */
  takenByCommits: number
  takenBySnapshotter: number
}

/** Nothing yet. */
export function nothingTried(): Tried {
  const loads = { ownSnapshots: 0, staleSnapshots: 0, newerSnapshots: 0, lostSnapshots: 0 }
  return { commands: 0, ...loads, takenByCommits: 0, takenBySnapshotter: 0 }
}

/** The store, and where the events of this run begin: all runs share the tables. */
export interface Real {
  readonly store: ModelStore
  /** For what no call of the store does, such as the loss of snapshots. */
  readonly pool: pg.Pool
  readonly schema: string
  /** Of the ids of this run, which lie behind those of the runs before it in the order of their bytes. */
  readonly prefix: string
  readonly begin: number
  readonly tried: Tried
}

/** A command of the model. */
export type Command = fc.AsyncCommand<EventModel, Real>

/** A command whose description is its arguments, for the report of a run that diverged. */
export function command(name: string, args: object, work: (model: EventModel, real: Real) => Promise<void>): Command {
  const counted: typeof work = async (model, real) => {
    real.tried.commands += 1
    await work(model, real)
  }
  return { check: () => true, run: counted, toString: () => `${name}(${JSON.stringify(args)})` }
}

/** An event with this number. */
export const event = (n: number): { readonly type: 'Placed'; readonly data: { readonly n: number } } => ({
  type: 'Placed',
  data: { n },
})

/** A refusal: its code, and the actual version of a conflict. */
export interface Refusal {
  readonly code: string
  readonly actual?: number
}

/** What the work gives, or the refusal that it meets; any other error comes out. */
export async function outcomeOf<Result>(work: Promise<Result>): Promise<Result | Refusal> {
  try {
    return await work
  } catch (error) {
    if (!isRillflowError(error)) throw error
    const { actual } = error as unknown as { readonly actual?: number }
    return { code: error.code, ...(actual === undefined ? {} : { actual }) }
  }
}

/** The streams of a run, before its prefix. */
export const ids = ['a', 'b', 'c']
/** One of them. */
export const anyId = fc.constantFrom(...ids)
/** What events hold. */
export const anyNumber = fc.integer({ min: 0, max: 2 })
