import { types } from 'node:util'
import { InvalidArgumentError } from '@rillflow/core'

const isoShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z$/

/**
 * The time of an event as ISO 8601 in UTC, with six digits of a second: such texts are in the order of time.
 *
 * @throws InvalidArgument for what is no time between the years 1 and 9999.
 */
export function readCreatedAt(given: Date | string): string {
  const time = typeof given === 'string' ? Date.parse(given) : types.isDate(given) ? given.getTime() : Number.NaN
  if (Number.isFinite(time)) {
    const text = typeof given === 'string' ? given : new Date(time).toISOString()
    const [seconds = '', fraction = ''] = text.slice(0, -1).split('.')
    // The parser takes a 30th of February for the 2nd of March; PostgreSQL would refuse it.
    const isReal = !seconds.startsWith('0000') && new Date(time).toISOString().startsWith(seconds)
    if (isoShape.test(text) && isReal) return `${seconds}.${fraction.padEnd(6, '0')}Z`
  }
  throw new InvalidArgumentError(
    'createdAt',
    'createdAt must be a Date, or text like 2026-01-31T12:00:00.123456Z, between the years 1 and 9999.',
  )
}

/** Writes microseconds since 1970, as the database gives them, as ISO 8601 with six digits of a second. */
export function fromMicros(micros: string): string {
  // Not a number: before 1685 and after 2255 none holds a microsecond.
  const total = BigInt(micros)
  const rest = ((total % 1_000n) + 1_000n) % 1_000n
  const milliseconds = Number((total - rest) / 1_000n)
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}
