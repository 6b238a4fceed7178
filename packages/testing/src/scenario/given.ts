import type { AggregateShape, DecideOf, EventOf } from './aggregate-shape.js'
import { callSiteOf } from './call-site.js'
import { expectationsOf, type Expectations } from './expectations.js'
import type { Action } from './run-scenario.js'
import { ScenarioError } from './scenario-error.js'

/** How {@link given} sets a scene. */
export interface GivenOptions {
  /** The id of the stream: `given` unless told. */
  readonly id?: string | undefined
}

/** A past, to which something is about to happen. */
export interface Scenario<Aggregate extends AggregateShape> {
  /**
   * What happens: a command with its input, a function that gives a list of events, also an asynchronous one; or events, to
   * see what the aggregate makes of them without a command.
   *
   * @throws {@link ScenarioError} for what is neither a function nor a list.
   */
  when(action: DecideOf<Aggregate> | readonly EventOf<Aggregate>[]): Expectations<Aggregate>
}

/**
 * Begins a test of an aggregate: what was, what happens, and what is expected of it. No database, and any test runner.
 *
 * The events are written as for an append, and are taken just as strictly: validated, refused when they could not be stored,
 * folded as they would be read back, with the versions 1, 2, 3 …, and each state is frozen. Nothing runs before the first
 * expectation, which is to be awaited.
 *
 * @throws {@link ScenarioError} for events that are no list.
 *
 * @example
 * ```ts
 * await given(Order, [{ type: 'OrderPlaced', data: { total: 9 } }])
 *   .when(Order.commands.ship({ carrier: 'dhl' }))
 *   .then([{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
 * ```
 */
export function given<Aggregate extends AggregateShape>(
  aggregate: Aggregate,
  events: readonly EventOf<Aggregate>[] = [],
  { id = 'given' }: GivenOptions = {},
): Scenario<Aggregate> {
  if (!Array.isArray(events)) throw new ScenarioError('given() takes a list of events: given(Order, [{ type, data }]).')
  const givenAt = callSiteOf(given)
  const when: Scenario<Aggregate>['when'] = (action) => {
    if (typeof action !== 'function' && !Array.isArray(action)) {
      throw new ScenarioError('when() takes a command with its input, or a list of events: when([{ type, data }]).')
    }
    // The types of the aggregate end here: what comes back is compared, not read.
    return expectationsOf({ aggregate, id, given: events, givenAt, action: action as Action }, callSiteOf(when))
  }
  return { when }
}
