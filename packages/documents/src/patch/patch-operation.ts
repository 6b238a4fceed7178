import type { Json } from '@rillflow/core'

/** One step of a path: the name of a property, or the index of an element, from the end when negative. */
export type Segment = string | number

/** Segments from the root of a document. */
export type Segments = readonly Segment[]

/** One operation as the database function takes it. */
export type PatchOperation =
  | readonly [kind: 'set' | 'setIfMissing', path: Segments, value: Json]
  | readonly [kind: 'increment', path: Segments, by: number]
  | readonly [kind: 'append', path: Segments, values: readonly Json[]]
  | readonly [kind: 'insert', path: Segments, value: Json, index: number]
  | readonly [kind: 'remove', path: Segments]
  | readonly [kind: 'rename', path: Segments, name: string]
  | readonly [kind: 'duplicate', path: Segments, to: Segments]

/** What an operation does. */
export type PatchKind = PatchOperation[0]

/**
 * Why an operation does not fit a document:
 *
 * - `notContainer`: a value stands where an object or array is needed
 * - `notArray`: an index is used, or elements are added, where no array stands
 * - `notIndex`: a name is used where an array stands
 * - `notObject`: an element of an array has no name that could be changed
 * - `notNumber`: what should be incremented is no number
 * - `outOfRange`: the index is neither of an element nor right behind the last one
 * - `exists`: the new name is taken by another property
 * - `overflow`: the sum is beyond what a number can hold
 */
export type PatchRefusal =
  'notContainer' | 'notArray' | 'notIndex' | 'notObject' | 'notNumber' | 'outOfRange' | 'exists' | 'overflow'

/** The first operation that did not fit, and where on its path. */
export interface RefusedOperation {
  readonly reason: PatchRefusal
  readonly kind: PatchKind
  readonly path: Segments
}
