import type { Attempt, RecordedAppend, RecordedEvent, Stored } from './history.js'
import type { Problem, Violation } from './violation.js'

/**
 * Holds what is stored against what the writers were told: I1 (what was acknowledged is stored, at its place), I2 (what
 * is stored was acknowledged, or its outcome is unknown), I3 (the versions of a stream run from 1 without hole or double).
 */
export function checkStored(attempts: readonly Attempt[], stored: Stored): readonly Violation[] {
  return [...checkAcknowledged(attempts, stored), ...checkNothingElse(attempts, stored), ...checkVersions(stored)]
}

function checkAcknowledged(attempts: readonly Attempt[], stored: Stored): readonly Violation[] {
  const byId = new Map(stored.events.map((event) => [event.id, event]))
  const documents = new Set(stored.documents)
  const breach = (problem: Problem, subject: string): Violation => ({ invariant: 'I1', problem, subject })
  return attempts
    .filter(({ outcome }) => outcome === 'acknowledged')
    .flatMap(({ appends, document }) => [
      ...(document === undefined || documents.has(document) ? [] : [breach('lost', `document ${document}`)]),
      ...appends.flatMap((append) =>
        append.ids.flatMap((id, index) => {
          const event = byId.get(id)
          if (event === undefined) return [breach('lost', `event ${id}`)]
          return isInPlace(event, append, index) ? [] : [breach('moved', `event ${id}`)]
        }),
      ),
    ])
}

function isInPlace(event: RecordedEvent, append: RecordedAppend, index: number): boolean {
  const fromLast = append.ids.length - 1 - index
  if (event.streamId !== append.streamId || event.version !== (append.version ?? Number.NaN) - fromLast) return false
  return fromLast > 0 || event.position === append.position
}

function checkNothingElse(attempts: readonly Attempt[], stored: Stored): readonly Violation[] {
  const possible = attempts.filter(({ outcome }) => outcome !== 'rolledBack')
  const ids = new Set(possible.flatMap(({ appends }) => appends.flatMap((append) => append.ids)))
  const documents = new Set(possible.map(({ document }) => document))
  return [
    ...stored.events.filter(({ id }) => !ids.has(id)).map(({ id }) => `event ${id}`),
    ...stored.documents.filter((id) => !documents.has(id)).map((id) => `document ${id}`),
  ].map((subject) => ({ invariant: 'I2', problem: 'unacknowledged', subject }))
}

function checkVersions(stored: Stored): readonly Violation[] {
  const last = new Map<string, number>()
  const violations: Violation[] = []
  const breach = (problem: Problem, streamId: string, version: number): void =>
    void violations.push({ invariant: 'I3', problem, subject: `stream ${streamId} at ${version}` })
  const byVersion = stored.events.toSorted((one, other) => one.version - other.version)
  for (const { streamId, version } of byVersion) {
    const before = last.get(streamId) ?? 0
    if (version === before) breach('version twice', streamId, version)
    else if (version !== before + 1) breach('version hole', streamId, version)
    last.set(streamId, version)
  }
  for (const streamId of new Set([...last.keys(), ...stored.streams.keys()])) {
    const version = stored.streams.get(streamId) ?? 0
    if (version !== (last.get(streamId) ?? 0)) breach('stream version', streamId, version)
  }
  return violations
}
