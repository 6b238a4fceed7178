import type { CatalogObject, ObjectKind } from './read-objects.js'
import type { ObjectsBeside } from './expected-objects.js'

/** One thing that is not as the migrations and declared indexes make it. */
export interface Difference {
  readonly kind: ObjectKind | 'migration'
  /** `table.name` for what belongs to a table; a function with the types of its arguments. */
  readonly name: string
  /** The definition that it should have; undefined for what should not be there. */
  readonly expected: string | undefined
  /** The definition that it has; undefined for what is not there. */
  readonly actual: string | undefined
}

/** Something in the schema that no module of the store knows, and that changes nothing about what they know. */
export interface OtherObject {
  readonly kind: ObjectKind
  readonly name: string
}

/** What {@link compareObjects} found. */
export interface ObjectComparison {
  readonly differences: readonly Difference[]
  readonly others: readonly OtherObject[]
}

/** Compares what is expected with what is there, object by object. */
export function compareObjects({ expected, actual }: ObjectsBeside): ObjectComparison {
  const there = new Map(actual.map((object) => [keyOf(object), object]))
  const wanted = new Map(expected.map((object) => [keyOf(object), object]))
  const owners = new Set(expected.map(ownerKey))
  const extra = actual.filter((object) => !wanted.has(keyOf(object)))
  const ours = extra.filter((object) => owners.has(ownerKey(object)))
  return {
    differences: [
      ...expected
        .map((object) => difference(object, there.get(keyOf(object))))
        .filter(({ expected: should, actual: has }) => should !== has),
      ...ours.map((object) => difference(undefined, object)),
    ],
    others: extra
      .filter((object) => object.owner === undefined || object.kind === 'function')
      .filter((object) => !owners.has(ownerKey(object)))
      .map(({ kind, name }) => ({ kind, name })),
  }
}

function difference(expected: CatalogObject | undefined, actual: CatalogObject | undefined): Difference {
  const object = (expected ?? actual) as CatalogObject
  return { kind: object.kind, name: nameOf(object), expected: textOf(expected), actual: textOf(actual) }
}

function textOf(object: CatalogObject | undefined): string | undefined {
  if (object?.body === undefined) return object?.definition
  return `${object.definition} as\n${object.body}`
}

function keyOf({ kind, owner, name }: CatalogObject): string {
  return JSON.stringify([kind, owner, name])
}

/**
 * A column, a trigger or an index that nobody asked for changes the table that it is on, and a second form of a function
 * may be called in the place of ours; a table of its own changes nothing.
 */
function ownerKey({ kind, owner, name }: CatalogObject): string {
  if (kind === 'function') return JSON.stringify(['function', owner])
  return JSON.stringify(['relation', owner ?? name])
}

function nameOf({ kind, owner, name }: CatalogObject): string {
  return kind === 'function' || owner === undefined ? name : `${owner}.${name}`
}
