import { isDeepStrictEqual } from 'node:util'
import { placedAt, type CallSite } from '../call-site.js'
import { during, Interruption, type Thrown } from '../run-scenario.js'
import { ScenarioError } from '../scenario-error.js'
import { Streams, type StreamEvent } from './place-events.js'
import type { Documents, FoldedProjection, PlacedEvent } from './projection-shape.js'

/** A projection's scenario as it was written. */
export interface WrittenProjection {
  readonly projection: FoldedProjection
  readonly given: readonly StreamEvent[]
  readonly givenAt: CallSite
  /** What happens then; without it, what is given is what happens. */
  readonly more?: { readonly events: readonly StreamEvent[]; readonly times: number } | undefined
}

/** What came of it. */
export type Projected = Folded | Thrown

/** The documents, and those that were others when the same events came again. */
export interface Folded {
  readonly docs: Documents
  readonly again?: { readonly time: number; readonly docs: Documents } | undefined
}

/**
 * Does what a store does with events of a projection: takes them as an append would, and folds them one after the other.
 *
 * @throws {@link ScenarioError} when events that are only given cannot be projected.
 */
export async function runProjection({ projection, given, givenAt, more }: WrittenProjection): Promise<Projected> {
  const streams = new Streams(projection)
  const nothing: Documents = new Map()
  const scene = { projection, streams }
  try {
    if (more === undefined) return { docs: (await happen(scene, nothing, given)).docs }
    const before = await foldGiven(scene, given, givenAt)
    const { docs, events } = await happen(scene, before, more.events)
    return { docs, again: await repeat(projection, { docs, events, times: more.times }) }
  } catch (error) {
    if (error instanceof Interruption) return { thrown: error.cause, by: error.message }
    throw error
  }
}

interface Scene {
  readonly projection: FoldedProjection
  readonly streams: Streams
}

async function foldGiven(
  { projection, streams }: Scene,
  given: readonly StreamEvent[],
  site: CallSite,
): Promise<Documents> {
  let docs: Documents = new Map()
  let done = 0
  try {
    for (const event of given) {
      docs = await projection.fold(docs, [await streams.append(event)])
      done += 1
    }
    return docs
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const which = `given ${projection.name}, event ${done + 1} of ${given.length}`
    throw placedAt(site, new ScenarioError(`${which}: ${message}`, { cause: error }))
  }
}

async function happen(
  { projection, streams }: Scene,
  before: Documents,
  given: readonly StreamEvent[],
): Promise<{ readonly docs: Documents; readonly events: readonly PlacedEvent[] }> {
  const events: PlacedEvent[] = []
  for (const event of given) {
    events.push(await during('the store would refuse the event:', () => streams.append(event)))
  }
  return { events, docs: await during('the projection threw', () => foldEach(projection, before, events)) }
}

/** One by one: so each document is one that could be stored, and not only the last of a batch. */
async function foldEach(
  projection: FoldedProjection,
  before: Documents,
  events: readonly PlacedEvent[],
): Promise<Documents> {
  let docs = before
  for (const event of events) docs = await projection.fold(docs, [event])
  return docs
}

interface Repetition {
  readonly docs: Documents
  readonly events: readonly PlacedEvent[]
  readonly times: number
}

/** Hands the same events over again; gives the first documents that are not as they were. */
async function repeat(projection: FoldedProjection, { docs, events, times }: Repetition): Promise<Folded['again']> {
  for (let time = 2; time <= times; time += 1) {
    const again = await during(`handed over ${timeOf(time)}, the same events made the projection throw`, () =>
      foldEach(projection, docs, events),
    )
    if (!isDeepStrictEqual(again, docs)) return { time, docs: again }
  }
  return undefined
}

/** A count of times as the middle of a sentence. */
export function timeOf(time: number): string {
  return time === 2 ? 'a second time' : `for the ${time}th time`
}
