import type { PlaceShape, ScenarioEvent } from './aggregate-shape.js'
import { placedAt, type CallSite } from './call-site.js'
import { ScenarioError } from './scenario-error.js'
import { foldEvent, foldNothing, placeOf, type Folded, type Stream } from './store/fold-events.js'
import { RefusedError } from './store/refused-error.js'
import { pastEvent, storedEvent, type StoredEvent } from './store/stored-event.js'

/** What happens in a scenario: a command decides, or events are there without one. */
export type Action = ((state: unknown, place: PlaceShape) => unknown) | readonly ScenarioEvent[]

/** A scenario as it was written. */
export interface WrittenScenario extends Stream {
  readonly given: readonly ScenarioEvent[]
  readonly givenAt: CallSite
  readonly action: Action
}

/** What came of it; what was thrown may be any value, `undefined` too. */
export type Outcome = Happened | Thrown

/** New events, perhaps none, and the state after them. */
export interface Happened {
  readonly events: readonly StoredEvent[]
  readonly state: unknown
}

/** An error in place of events. */
export interface Thrown {
  readonly thrown: unknown
  /** Who threw, as the middle of a sentence. */
  readonly by: string
}

/**
 * Does what executing a command does, without a store: folds the given events, lets the command decide, takes its events
 * as an append would, folds them too, and lets the aggregate refuse the state after them.
 *
 * @throws {@link ScenarioError} when the given events cannot have been.
 */
export async function runScenario(scenario: WrittenScenario): Promise<Outcome> {
  const before = await foldGiven(scenario)
  try {
    return await act(scenario, before)
  } catch (error) {
    if (error instanceof Interruption) return { thrown: error.cause, by: error.message }
    throw error
  }
}

/** Carries what was thrown, and by whom, out of the run. */
export class Interruption extends Error {}

async function foldGiven(scenario: WrittenScenario): Promise<Folded> {
  const { aggregate, given, givenAt } = scenario
  let done = 0
  try {
    let folded = foldNothing(scenario)
    for (const event of given) {
      folded = foldEvent(scenario, folded, await pastEvent(aggregate, event))
      done += 1
    }
    return folded
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw placedAt(
      givenAt,
      new ScenarioError(`given ${aggregate.name}, event ${done + 1} of ${given.length}: ${message}`, { cause: error }),
    )
  }
}

async function act(scenario: WrittenScenario, before: Folded): Promise<Happened> {
  const { aggregate, action } = scenario
  const decision: unknown = await during('the command threw', () =>
    typeof action === 'function' ? action(before.state, placeOf(scenario, before)) : action,
  )
  const decided = await during('the store would refuse the decision:', () => checkDecision(aggregate.name, decision))
  const events: StoredEvent[] = []
  for (const event of decided) {
    events.push(await during('the store would refuse the event:', () => storedEvent(aggregate, event)))
  }
  const after = await during('there is no state after it:', () =>
    events.reduce((folded, event) => foldEvent(scenario, folded, event), before),
  )
  const validate = aggregate.validate as ((state: unknown, place: PlaceShape) => void) | undefined
  if (events.length > 0) await during('validate threw', () => validate?.(after.state, placeOf(scenario, after)))
  return { events, state: after.state }
}

/** What is no event in the list is found when it is looked at as one. */
function checkDecision(aggregate: string, decision: unknown): readonly ScenarioEvent[] {
  if (Array.isArray(decision)) return decision as readonly ScenarioEvent[]
  const message = `The decision on ${aggregate} gave no list of events; give [] when nothing is to be done.`
  throw new RefusedError('InvalidArgument', message, { argument: 'decide' })
}

/** Runs `work`; what it throws is told of as that of `by`. */
export async function during<Result>(by: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    throw new Interruption(by, { cause })
  }
}
