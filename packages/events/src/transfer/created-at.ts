import { InvalidArgumentError } from '@rillflow/core'

const isoShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z$/

/**
 * The time of an event as ISO 8601 in UTC, with all its digits.
 *
 * @throws InvalidArgument for what is no time between the years 1 and 9999.
 */
export function readCreatedAt(given: Date | string): string {
  const time = typeof given === 'string' ? Date.parse(given) : Number(given)
  if (Number.isFinite(time)) {
    const text = typeof given === 'string' ? given : new Date(time).toISOString()
    // The parser takes a 30th of February for the 2nd of March; PostgreSQL would refuse it.
    if (isoShape.test(text) && !text.startsWith('0000') && new Date(time).toISOString().startsWith(text.slice(0, 19)))
      return text
  }
  throw new InvalidArgumentError(
    'createdAt',
    'createdAt must be a Date, or text like 2026-01-31T12:00:00.123456Z, between the years 1 and 9999.',
  )
}

/** Writes microseconds since 1970, as the database gives them, as ISO 8601 with six digits of a second. */
export function fromMicros(micros: string): string {
  const total = Number(micros)
  const milliseconds = Math.floor(total / 1_000)
  const rest = String(total - milliseconds * 1_000).padStart(3, '0')
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`
}
