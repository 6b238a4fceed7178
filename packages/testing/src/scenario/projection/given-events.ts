import { callSiteOf } from '../call-site.js'
import { ScenarioError } from '../scenario-error.js'
import { documentExpectationsOf, type DocumentExpectations } from './document-expectations.js'
import type { StreamEvent } from './place-events.js'
import type { FoldedProjection, ProjectionShape, StreamEventOf } from './projection-shape.js'

/** How events happen to a projection. */
export interface HappenOptions {
  /** How often the same events are handed over, 1 unless told: the documents must be the same after each time. */
  readonly times?: number | undefined
}

/** What a projection was given, to be looked at, or followed by more. */
export interface ProjectionScenario<Projection extends ProjectionShape> extends DocumentExpectations<Projection> {
  /**
   * More events, behind those that were given.
   *
   * With `times: 2` they are handed over twice, as the same events, at the same positions; every expectation then also
   * holds the documents after the second time against those after the first. Workers hand events over once, for a
   * checkpoint moves with the documents; what is idempotent stands repetition by other means, too.
   *
   * @throws {@link ScenarioError} for what is no list, and for times that are no whole number from 1 to 100.
   */
  when(events: readonly StreamEventOf<Projection>[], options?: HappenOptions): DocumentExpectations<Projection>
}

/**
 * Begins a test of a projection: what happened, and which documents it leads to. No database, and any test runner.
 *
 * The events are written as for an append, with their streams, and are taken just as strictly: validated, refused when they
 * could not be stored, and folded as they would be read back, with versions and positions that count up. So are documents:
 * validated by the schema they go to, stored as JSON, and frozen. Nothing runs before the first expectation, which is to be
 * awaited.
 *
 * @throws {@link ScenarioError} for events that are no list, and for a projection that writes by SQL of its own.
 *
 * @example
 * ```ts
 * const placed = { streamId: 'order-1', type: 'OrderPlaced', data: { total: 9 } } as const
 *
 * await givenEvents(OrderSummary, [placed]).thenDocument('order-1', { id: 'order-1', total: 9 })
 * ```
 */
export function givenEvents<Projection extends ProjectionShape>(
  projection: Projection,
  events: readonly StreamEventOf<Projection>[],
): ProjectionScenario<Projection> {
  checkList('givenEvents(OrderSummary, ', events)
  const givenAt = callSiteOf(givenEvents)
  // The types of the projection end here: what comes of it is compared, not read.
  const scenario = { projection: foldedOf(projection), given: events as readonly StreamEvent[], givenAt }
  const when: ProjectionScenario<Projection>['when'] = (next, { times = 1 } = {}) => {
    checkList('when(', next)
    if (!Number.isInteger(times) || times < 1 || times > 100) {
      throw new ScenarioError('when(…, { times }) takes a whole number from 1 to 100.')
    }
    const more = { events: next as readonly StreamEvent[], times }
    return documentExpectationsOf<Projection>({ ...scenario, more }, callSiteOf(when))
  }
  return Object.assign(documentExpectationsOf<Projection>(scenario, givenAt), { when })
}

function checkList(call: string, events: unknown): void {
  if (Array.isArray(events)) return
  throw new ScenarioError(`${call}…) takes a list of events: ${call}[{ streamId, type, data }]).`)
}

function foldedOf(projection: ProjectionShape): FoldedProjection {
  const { name, fold, from, kind } = (projection ?? {}) as Partial<FoldedProjection> & { readonly kind?: unknown }
  if (kind === 'handler') {
    throw new ScenarioError(
      `givenEvents(): ${name} writes by SQL of its own, which needs a database. Test it with useDatabase() of ` +
        '@rillflow/testing/vitest: append to a store with projections([…]) and read its tables.',
    )
  }
  if (typeof name === 'string' && typeof fold === 'function' && Array.isArray(from))
    return projection as FoldedProjection
  throw new ScenarioError('givenEvents() takes a projection: what defineProjection of @rillflow/projections has made.')
}
