import type { RecordedEvent } from './history.js'
import type { Problem, Violation } from './violation.js'

/**
 * Holds what a reader saw, in its order, against what it should have seen: I4 (exactly the stored set, in rising
 * position, each stream in its order).
 */
export function checkFeed(stored: readonly RecordedEvent[], seen: readonly RecordedEvent[]): readonly Violation[] {
  return [...checkSet(stored, seen), ...checkOrder(seen)]
}

function checkSet(stored: readonly RecordedEvent[], seen: readonly RecordedEvent[]): readonly Violation[] {
  const times = new Map<string, number>()
  for (const event of seen) times.set(keyOf(event), (times.get(keyOf(event)) ?? 0) + 1)
  const expected = new Set(stored.map(keyOf))
  return [
    ...stored.filter((event) => !times.has(keyOf(event))).map((event) => breach('lost', event)),
    ...[...times].filter(([key]) => !expected.has(key)).map(([key]) => violation('seen, not stored', key)),
    ...[...times].filter(([, count]) => count > 1).map(([key]) => violation('seen twice', key)),
  ]
}

function checkOrder(seen: readonly RecordedEvent[]): readonly Violation[] {
  const versions = new Map<string, number>()
  const violations: Violation[] = []
  let last = 0
  for (const event of seen) {
    if (event.position < last) violations.push(breach('position order', event))
    if (event.version < (versions.get(event.streamId) ?? 0)) violations.push(breach('stream order', event))
    last = event.position
    versions.set(event.streamId, event.version)
  }
  return violations
}

/** Everything that was recorded of it, so that one seen with another position or version is another event. */
function keyOf({ position, streamId, version, id, type }: RecordedEvent): string {
  return `${position}: ${type} ${id}, version ${version} of ${streamId}`
}

function breach(problem: Problem, event: RecordedEvent): Violation {
  return violation(problem, keyOf(event))
}

function violation(problem: Problem, subject: string): Violation {
  return { invariant: 'I4', problem, subject }
}
