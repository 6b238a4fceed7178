/** A time in microseconds since 1970, as text, because a timestamp's own text depends on the settings of the connection. */
export function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint::text as ${column}`
}
