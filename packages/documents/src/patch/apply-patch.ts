import type { Json } from '@rillflow/core'
import type { PatchKind, PatchOperation, PatchRefusal, RefusedOperation, Segment, Segments } from './patch-operation.js'

/** What became of a document: the patched copy, or the first operation that does not fit. */
export type PatchOutcome = { readonly doc: Json } | { readonly refused: RefusedOperation }

type Container = Json[] | { [key: string]: Json }

/** Applies operations to a copy of a document, exactly as the database's own function does. */
export function applyPatch(doc: unknown, operations: readonly PatchOperation[]): PatchOutcome {
  const copy = copyOf(doc as Json) as Container
  try {
    for (const operation of operations) apply(copy, operation)
    return { doc: copy }
  } catch (error) {
    if (error instanceof Refusal) return { refused: error }
    throw error
  }
}

/** Documents are JSON, and this copies them faster than structuredClone, into plain objects of this realm. */
function copyOf(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

class Refusal extends Error implements RefusedOperation {
  readonly reason: PatchRefusal
  readonly kind: PatchKind
  readonly path: Segments
  constructor(reason: PatchRefusal, kind: PatchKind, path: Segments) {
    super(reason)
    this.reason = reason
    this.kind = kind
    this.path = path
  }
}

/** Where a path leads: the last container on it that is there, and the segments that are not. */
interface Spot {
  readonly parent: Container
  readonly key: Segment
  readonly found: Json | undefined
  /** How many segments of the path are behind `key`. */
  readonly depth: number
}

function apply(doc: Container, operation: PatchOperation): void {
  const [kind, path] = operation
  const refuse = (reason: PatchRefusal, depth = path.length - 1): never => {
    throw new Refusal(reason, kind, path.slice(0, depth + 1))
  }
  if (kind === 'remove' || kind === 'rename' || kind === 'duplicate') {
    const spot = whatIsThere(doc, kind, path)
    if (spot !== undefined) relocate(doc, operation, spot)
    return
  }
  const spot = resolve(doc, kind, path)
  const { found } = spot
  switch (kind) {
    case 'set':
      return put(spot, kind, path, operation[2])
    case 'setIfMissing':
      return found === undefined ? put(spot, kind, path, operation[2]) : undefined
    case 'increment': {
      if (found !== undefined && typeof found !== 'number') return refuse('notNumber')
      const sum = (found ?? 0) + operation[2]
      return Number.isFinite(sum) ? put(spot, kind, path, sum === 0 ? 0 : sum) : refuse('overflow')
    }
    case 'append':
    case 'insert': {
      const elements = found ?? []
      if (!Array.isArray(elements)) return refuse('notArray')
      return put(spot, kind, path, kind === 'append' ? [...elements, ...operation[2]] : inserted(elements, operation))
    }
  }

  function inserted(elements: readonly Json[], [, , value, index]: PatchOperation & readonly ['insert', ...unknown[]]) {
    const place = index < 0 ? index + elements.length : index
    if (place < 0 || place > elements.length) refuse('outOfRange')
    return elements.toSpliced(place, 0, value)
  }
}

type Relocation = Extract<PatchOperation, readonly ['remove' | 'rename' | 'duplicate', ...unknown[]]>

function relocate(doc: Container, operation: PatchOperation, { parent, key, found }: Spot): void {
  const [kind, path, target] = operation as Relocation
  if (kind === 'duplicate') {
    return put(resolve(doc, kind, target), kind, target, copyOf(found as Json))
  }
  if (kind === 'rename') {
    if (Array.isArray(parent)) throw new Refusal('notObject', kind, path)
    if (target === key) return
    if (Object.hasOwn(parent, target)) throw new Refusal('exists', kind, path)
    define(parent, target, found as Json)
  }
  if (Array.isArray(parent)) parent.splice(key as number, 1)
  else delete parent[key]
}

/** The spot of a value that is there; undefined where there is none. */
function whatIsThere(doc: Container, kind: PatchKind, path: Segments): Spot | undefined {
  try {
    const spot = resolve(doc, kind, path)
    return spot.found === undefined ? undefined : spot
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'outOfRange') return undefined
    throw error
  }
}

function resolve(doc: Container, kind: PatchKind, path: Segments): Spot {
  let parent = doc
  for (let depth = 0; ; depth += 1) {
    const key = keyIn(parent, path[depth] as Segment, (reason) => {
      throw new Refusal(reason, kind, path.slice(0, depth + 1))
    })
    const found = Object.hasOwn(parent, key) ? (parent as Record<Segment, Json>)[key] : undefined
    if (depth === path.length - 1) return { parent, key, found, depth }
    if (found === undefined || found === null) return { parent, key, found: undefined, depth }
    if (typeof found !== 'object') throw new Refusal('notContainer', kind, path.slice(0, depth + 2))
    parent = found as Container
  }
}

const canonicalIndex = /^(?:0|-?[1-9]\d{0,8})$/

function keyIn(parent: Container, segment: Segment, refuse: (reason: PatchRefusal) => never): Segment {
  if (!Array.isArray(parent)) return typeof segment === 'number' ? refuse('notArray') : segment
  if (!canonicalIndex.test(String(segment))) return refuse('notIndex')
  const index = Number(segment) < 0 ? Number(segment) + parent.length : Number(segment)
  return index < 0 || index > parent.length ? refuse('outOfRange') : index
}

/** Puts a value at a spot, inside whatever has to be made for the rest of its path. */
function put({ parent, key, depth }: Spot, kind: PatchKind, path: Segments, value: Json): void {
  let made = value
  for (let at = path.length - 1; at > depth; at -= 1) {
    const segment = path[at] as Segment
    if (typeof segment === 'string') made = Object.fromEntries([[segment, made]])
    else if (segment === 0) made = [made]
    else throw new Refusal('outOfRange', kind, path.slice(0, at + 1))
  }
  define(parent, key, made)
}

/** By definition and not by assignment, which would call the setter behind `__proto__`. */
function define(parent: Container, key: Segment, value: Json): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true })
}
