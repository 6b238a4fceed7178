import type { EventRegistry } from '../definitions/event-registry.js'
import type { FilterCondition } from '../read/event-filter.js'

/** Makes filters by type find what is stored under older names too. */
export function expandTypes(
  filters: readonly (readonly FilterCondition[])[],
  registry: EventRegistry,
): readonly (readonly FilterCondition[])[] {
  if (registry.upcasters.length === 0) return filters
  return filters.map((conditions) => conditions.map((condition) => expand(condition, registry)))
}

function expand(condition: FilterCondition, registry: EventRegistry): FilterCondition {
  if (condition.column !== 'types') return condition
  const names = [condition.value].flat().flatMap((type) => registry.storedNamesOf(type))
  // Two names of one type expand to the same ones, and a name given twice would be read twice.
  return { column: 'types', value: [...new Set(names)] }
}
