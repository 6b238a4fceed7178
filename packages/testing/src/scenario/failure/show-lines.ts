import type { ComparedEvent } from './compared-event.js'

/** Events as lines of text: each with its type first, and one property on a line. */
export function linesOfEvents(events: readonly ComparedEvent[]): readonly string[] {
  return events.flatMap(({ type, data, ...metadata }) => {
    const shown = `${type} ${textOf(data)}`
    return (Object.keys(metadata).length === 0 ? shown : `${shown} with ${textOf(metadata)}`).split('\n')
  })
}

/** A value as lines of JSON, its properties in the order of their names, so that a difference of order is none. */
export function linesOfValue(value: unknown): readonly string[] {
  return textOf(value).split('\n')
}

function textOf(value: unknown): string {
  return JSON.stringify(value, sorted, 2) ?? 'undefined'
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** Types as people list them, and no more than fit on a line. */
export function listTypes(events: readonly { readonly type: string }[]): string {
  // A program without types may have put anything into the list.
  const shown = events.slice(0, 6).map((event) => String((event as { type?: unknown } | null | undefined)?.type))
  return events.length > shown.length
    ? `${shown.join(', ')} and ${events.length - shown.length} more`
    : shown.join(', ')
}
