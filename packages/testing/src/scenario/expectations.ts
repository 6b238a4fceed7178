import type { AggregateShape, EventOf, ScenarioEvent, StateOf } from './aggregate-shape.js'
import { callSiteOf, placedAt, type CallSite } from './call-site.js'
import type { ExpectedError } from './expected-error.js'
import { expectationFailed, type Failure } from './failure/expectation-failed.js'
import { storyOf } from './failure/story.js'
import { judgeError, judgeEvents, judgeState } from './judge-outcome.js'
import { runScenario, type Outcome, type WrittenScenario } from './run-scenario.js'
import { ScenarioError } from './scenario-error.js'
import { namedEvent, type StoredEvent } from './store/stored-event.js'
import { NotJsonError } from './values/as-json.js'
import { awaited, withoutExpectation } from './without-expectation.js'

/**
 * What may be expected of a scenario. Each expectation is a promise, to be awaited; several may be held against the same
 * scenario, whose command runs once, at the first of them.
 *
 * What is expected is compared as JSON: the order of properties, those that are `undefined`, and whether a date is a `Date`
 * or its text make no difference. What happens is not taken so: an event that the store would refuse is refused.
 *
 * Each rejects with an `AssertionError` of `node:assert` when it does not hold, and with a {@link ScenarioError} when the
 * scenario cannot be.
 */
export interface Expectations<Aggregate extends AggregateShape> {
  /**
   * These events and no others, in this order: their types and data, and of their metadata what is named here. They are
   * written as for an append, so that defaults of the schema apply to them too.
   *
   * Not the `then` of a promise: without an expectation there is nothing to await.
   */
  then(events: readonly EventOf<Aggregate>[]): Promise<void>
  /** No new event, and no error. */
  thenNothing(): Promise<void>
  /**
   * The whole state after the new events; or a check of it, which throws, or answers `false`, for what it does not accept.
   */
  thenState(expected: StateOf<Aggregate> | ((state: StateOf<Aggregate>) => unknown)): Promise<void>
  /**
   * An error instead of events: of the command, of the store for a decision or an event that it would refuse
   * (`InvalidArgument`, `ValidationFailed`, `UnknownEventType`, `UnstorableValue`), of `evolve`, or of the aggregate's
   * `validate`.
   */
  thenError(expected: ExpectedError): Promise<void>
}

type Judge = (outcome: Outcome) => Failure | undefined | Promise<Failure | undefined>

const unfinished =
  'when(…) was awaited, or returned to be awaited, without an expectation. ' +
  'Write one after it: .then([events]), .thenNothing(), .thenState(…) or .thenError(…).'

/** The expectations of a scenario of which nothing has run yet; `whenAt` is where its `when` stands. */
export function expectationsOf<Aggregate extends AggregateShape>(
  scenario: WrittenScenario,
  whenAt: CallSite,
): Expectations<Aggregate> {
  let outcome: Promise<Outcome> | undefined
  const check = async (site: CallSite, judge: Judge): Promise<void> => {
    outcome ??= runScenario(scenario)
    const failure = await judged(await outcome, judge, site)
    if (failure !== undefined) throw expectationFailed(storyOf(scenario), failure, site)
  }
  const thenEvents = (events: unknown, reject?: unknown): Promise<void> | undefined => {
    if (typeof events === 'function' || typeof reject === 'function')
      return withoutExpectation(reject, whenAt, unfinished)
    return check(callSiteOf(thenEvents), async (came) => judgeEvents(came, await wantedEvents(scenario, events)))
  }
  const expectations = {
    thenNothing: () => check(callSiteOf(expectations.thenNothing), (came) => judgeEvents(came, [])),
    thenState: (state: unknown) => check(callSiteOf(expectations.thenState), (came) => judgeState(came, state)),
    thenError: (error: ExpectedError) => check(callSiteOf(expectations.thenError), (came) => judgeError(came, error)),
  }
  return Object.defineProperty(expectations, awaited, { value: thenEvents }) as typeof expectations &
    Pick<Expectations<Aggregate>, 'then'>
}

/** A mistake in an expectation is told with its line, too. */
async function judged(outcome: Outcome, judge: Judge, site: CallSite): Promise<Failure | undefined> {
  try {
    return await judge(outcome)
  } catch (error) {
    if (error instanceof ScenarioError) throw placedAt(site, error)
    if (!(error instanceof NotJsonError)) throw error
    const remedy = 'compare it yourself: thenState((state) => …).'
    throw placedAt(site, new ScenarioError(`${error.message}; ${remedy}`, { cause: error }))
  }
}

async function wantedEvents({ aggregate }: WrittenScenario, events: unknown): Promise<readonly StoredEvent[]> {
  if (!Array.isArray(events)) throw new ScenarioError('then() takes a list of events: then([{ type, data }]).')
  if (events.length === 0) throw new ScenarioError('then([]) expects no event: write thenNothing().')
  const wanted: StoredEvent[] = []
  for (const event of events as readonly ScenarioEvent[]) {
    try {
      wanted.push(await namedEvent(aggregate, event))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new ScenarioError(`then: expected event ${wanted.length + 1}: ${message}`, { cause: error })
    }
  }
  return wanted
}
