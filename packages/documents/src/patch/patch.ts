import { encodeJson, InvalidArgumentError, type Json } from '@rillflow/core'
import { quote } from '../describe-document.js'
import { parsePath } from './parse-path.js'
import type { PatchOperation, Segments } from './patch-operation.js'
import type { ElementAt, Holding, Place, ValueAt } from './patch-types.js'

/**
 * Changes to parts of a document, applied in the order in which they are written. What they do not name stays as it is.
 *
 * Objects and arrays that are missing on the way, or null, are made. Whatever else does not fit is refused, and then
 * nothing of the patch is applied. An index counts from the end when negative; the one behind the last element appends.
 */
export interface Patch<Document> {
  /** Puts a value, over whatever is there. */
  set<const At extends Place<Document>>(path: At, value: ValueAt<Document, At>): this
  /** Puts a value where there is none; a null is one. */
  setIfMissing<const At extends Place<Document>>(path: At, value: ValueAt<Document, At>): this
  /** Adds to a number, as JavaScript adds; a missing one counts as 0. By 1 unless told. */
  increment<const At extends Place<Document>>(path: At & Holding<Document, At, number>, by?: number): this
  /** Adds elements behind the last one of an array. */
  append<const At extends Place<Document>>(
    path: At & Holding<Document, At, readonly unknown[]>,
    ...values: readonly ElementAt<Document, At>[]
  ): this
  /** Puts an element before the one with that index; the later ones move on. */
  insert<const At extends Place<Document>>(
    path: At & Holding<Document, At, readonly unknown[]>,
    index: number,
    value: ElementAt<Document, At>,
  ): this
  /** Takes a property or an element out; nothing happens when it is not there. */
  remove(path: Place<Document>): this
  /** Gives a property another name in its object; nothing happens when it is not there. */
  rename(path: Place<Document>, name: string): this
  /** Puts a copy of what stands at `from` at `to`; nothing happens when it is not there. */
  duplicate<const From extends Place<Document>, const To extends Place<Document>>(
    from: From,
    to: To & (ValueAt<Document, From> extends ValueAt<Document, To> ? unknown : never),
  ): this
}

/** Writes the operations of a patch: `(patch) => patch.set('tier', 'pro').increment('visits')`. */
export type PatchBuild<Document> = (patch: Patch<Document>) => unknown

const maxOperations = 1_000

/**
 * Runs a build function and gives its operations, checked and ready to be sent.
 *
 * @throws InvalidArgument for a path, index, name or number that cannot be; UnstorableValue.
 */
export function toOperations(build: PatchBuild<never>): readonly PatchOperation[] {
  const operations: PatchOperation[] = []
  build(recorder(operations) as never)
  if (operations.length > maxOperations) {
    throw new InvalidArgumentError('patch', `A patch has at most ${maxOperations} operations; write two.`)
  }
  return operations
}

type Path = string | Segments

/** What a build function writes on, before its types are put on. */
interface Recorder {
  set(path: Path, value: unknown): Recorder
  setIfMissing(path: Path, value: unknown): Recorder
  increment(path: Path, by?: number): Recorder
  append(path: Path, ...values: unknown[]): Recorder
  insert(path: Path, index: number, value: unknown): Recorder
  remove(path: Path): Recorder
  rename(path: Path, name: string): Recorder
  duplicate(from: Path, to: Path): Recorder
}

function recorder(operations: PatchOperation[]): Recorder {
  const add = (operation: PatchOperation): Recorder => {
    operations.push(operation)
    return self
  }
  const self: Recorder = {
    set: (path, value) => add(['set', parsePath(path), toJson(value)]),
    setIfMissing: (path, value) => add(['setIfMissing', parsePath(path), toJson(value)]),
    increment: (path, by = 1) => add(['increment', parsePath(path), toNumber(by)]),
    append: (path, ...values) => add(['append', parsePath(path), values.map(toJson)]),
    insert: (path, index, value) => add(['insert', parsePath(path), toJson(value), toIndex(index)]),
    remove: (path) => add(['remove', parsePath(path)]),
    rename: (path, name) => add(['rename', parsePath(path), toName(path, name)]),
    duplicate: (from, to) => add(['duplicate', parsePath(from), parsePath(to)]),
  }
  return self
}

/** A copy, because the caller's value may change before the patch is sent. */
function toJson(value: unknown): Json {
  return JSON.parse(encodeJson(value)) as Json
}

function toNumber(by: number): number {
  if (typeof by === 'number' && Number.isFinite(by)) return by === 0 ? 0 : by
  throw new InvalidArgumentError('by', 'increment needs a finite number.')
}

function toIndex(index: number): number {
  if (typeof index !== 'number') throw new InvalidArgumentError('index', 'insert needs the index of an element.')
  return parsePath([index])[0] as number
}

function toName(path: Path, name: string): string {
  const parsed = parsePath(path)
  // The new name stands where the old one stood, and must be fit for it; at the root it must not become the id.
  parsePath([...parsed.slice(0, -1), name])
  if (typeof name === 'string') return name
  throw new InvalidArgumentError('name', `rename to ${quote(String(name))}: a name is a string.`)
}
