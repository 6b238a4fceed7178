import { createHash } from 'node:crypto'
import { checkStorable, InvalidArgumentError } from '@rillflow/core'
import { checkDocumentId } from '../collections/check-names.js'
import type { Sort } from './query-state.js'

/** The place behind one row in an order: its sort keys as JSON, and its id. */
export interface CursorPlace {
  readonly keys: readonly string[]
  readonly id: string
}

/** Writes a place as text for a URL; it holds the row's sort keys, readable by who has it. */
export function writeCursor(sorts: readonly Sort[], { keys, id }: CursorPlace): string {
  return Buffer.from(JSON.stringify([orderOf(sorts), id, ...keys])).toString('base64url')
}

/**
 * Reads a place back; what it holds goes to the database as values only.
 *
 * @throws InvalidArgument when it is none, or one of another order.
 */
export function readCursor(sorts: readonly Sort[], cursor: string): CursorPlace {
  const [order, id, ...keys] = parse(cursor)
  if (order !== orderOf(sorts) || keys.length !== sorts.length) {
    throw new InvalidArgumentError('after', 'The cursor belongs to a query of another order; begin without one.')
  }
  return { keys: keys.map(checkJson), id: checkDocumentId(id) }
}

/** A key that PostgreSQL cannot hold would be an error of the server. */
function checkJson(key: unknown): string {
  try {
    if (typeof key === 'string') {
      checkStorable(JSON.parse(key))
      return key
    }
  } catch {
    // Refused below.
  }
  throw invalid()
}

function parse(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parsed)) return parsed as readonly unknown[]
  } catch {
    // Refused below.
  }
  throw invalid()
}

function invalid(): InvalidArgumentError {
  return new InvalidArgumentError('after', 'The cursor is not one that a page of this query gave.')
}

function orderOf(sorts: readonly Sort[]): string {
  return createHash('sha256').update(JSON.stringify(sorts)).digest('base64url').slice(0, 8)
}
