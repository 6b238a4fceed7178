import { InvalidArgumentError } from '@rillflow/core'
import { quote } from '../describe-document.js'
import type { Segment, Segments } from './patch-operation.js'

const maxSegments = 100
const maxPathBytes = 1024

/** PostgreSQL's arrays have no more elements than that, and its function reads nine digits. */
const maxIndex = 999_999_999

/** A name, or an index in brackets; a name begins the path or follows a dot. */
const part = /(?:^|(?<!^)\.)([^.[\]]+)|\[(-?\d+)\]/gy

/**
 * Reads a path: `address.city`, `lines[0].price`, `tags[-1]`, or an array of names and indexes, whose names may hold any
 * character.
 *
 * @throws InvalidArgument when it cannot be read, is empty, over 100 segments or 1,024 bytes, or begins with `id`.
 */
export function parsePath(path: string | Segments): Segments {
  const segments = typeof path === 'string' ? cut(path) : path
  if (!Array.isArray(segments) || segments.length === 0) refuse(path, 'is empty')
  if (segments.length > maxSegments) refuse(path, `has over ${maxSegments} segments`)
  let bytes = 0
  for (const segment of segments as Segments) bytes += checkSegment(path, segment)
  if (bytes > maxPathBytes) refuse(path, `is over ${maxPathBytes} bytes`)
  if (segments[0] === 'id') refuse(path, 'leads to the id, which never changes: put a new document instead')
  // A copy, because the caller's array may change before the patch is sent; without -0, which is no index of its own.
  return (segments as Segments).map((segment) => (segment === 0 ? 0 : segment))
}

function cut(path: string): Segments {
  const segments: Segment[] = []
  part.lastIndex = 0
  while (part.lastIndex < path.length) {
    const [, name, index] = part.exec(path) ?? refuse(path, 'cannot be read')
    segments.push(name ?? Number(index))
  }
  return segments
}

function checkSegment(path: string | Segments, segment: unknown): number {
  if (typeof segment === 'number') {
    if (Number.isInteger(segment) && Math.abs(segment) <= maxIndex) return 1
    return refuse(path, 'has an index that is no whole number, or beyond 999,999,999')
  }
  if (typeof segment !== 'string' || segment === '') refuse(path, 'has a segment that is neither a name nor an index')
  if (segment.includes('\0') || !segment.isWellFormed()) refuse(path, 'holds a NUL character or a lone surrogate')
  return Buffer.byteLength(segment)
}

function refuse(path: unknown, what: string): never {
  const shown = typeof path === 'string' ? quote(path) : 'given as an array'
  throw new InvalidArgumentError(
    'path',
    `The path ${shown} ${what}. Write names with dots and indexes in brackets, or an array of both.`,
  )
}
