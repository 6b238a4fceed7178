import type { Action, WrittenScenario } from '../run-scenario.js'
import { listTypes } from './show-lines.js'

/** What a message tells of a scenario beside its failure. */
export interface Story {
  readonly name: string
  /** Each a line, without what comes first in it. */
  readonly given: string
  readonly when?: string | undefined
}

/** The story of an aggregate's scenario. */
export function storyOf({ aggregate, id, given, action }: WrittenScenario): Story {
  const before =
    given.length === 0
      ? `nothing of ${JSON.stringify(id)}`
      : `${JSON.stringify(id)} at version ${given.length}, after ${listTypes(given)}`
  return { name: aggregate.name, given: before, when: describeAction(action) }
}

function describeAction(action: Action): string {
  if (typeof action !== 'function') return `${listTypes(action) || 'nothing'} happened`
  // A command that was made by another has no name; its code tells it from its neighbours.
  const text = action.name || String(action).replaceAll(/\s+/g, ' ')
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}
