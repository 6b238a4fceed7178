import { appendFileSync } from 'node:fs'

/** Writes one JSON value per line, at once: what a process has recorded outlives a kill of it. */
export function recordTo(file) {
  return (values) => {
    if (values.length > 0) appendFileSync(file, values.map((value) => `${JSON.stringify(value)}\n`).join(''))
  }
}
