import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.js'
import type { ErrorEntry } from './error-classes.js'

/**
 * The rows of the tables of `docs/errors.md`, by the package of whose section they are part. A table that has no column
 * for the class is one of `TestingError`, whose codes share it.
 */
export function documentedErrors(): ReadonlyMap<string, readonly ErrorEntry[]> {
  const found = new Map<string, ErrorEntry[]>()
  let rows: ErrorEntry[] = []
  for (const line of readFileSync(join(root, 'docs/errors.md'), 'utf8').split('\n')) {
    const heading = /^## (@rillflow\/\w+)$/.exec(line)?.[1]
    if (heading !== undefined) found.set(heading, (rows = []))
    const cells = line.split('|').slice(1, -1)
    if (/^ `\w+` *$/.test(cells[0] ?? '')) rows.push(toEntry(cells.map((cell) => cell.trim())))
  }
  return found
}

function toEntry([code = '', className = '', retryable = '', fields = '', ...rest]: readonly string[]): ErrorEntry {
  if (rest.length === 0) return { code: unquoted(code), className: 'TestingError', retryable: 'no', fields: [] }
  return {
    code: unquoted(code),
    className: unquoted(className) === 'RillflowError' ? undefined : unquoted(className),
    retryable: retryable as ErrorEntry['retryable'],
    fields: [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => field),
  }
}

function unquoted(text: string): string {
  return text.replaceAll('`', '')
}
