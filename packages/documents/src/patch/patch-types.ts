import type { Segments } from './patch-operation.js'

type Levels = readonly [0, 0, 0, 0, 0]

/**
 * A place in a document: `'address.city'`, `'lines[0].price'`, or an array of names and indexes; five levels deep, and
 * never the id. A property whose own name holds a dot or a bracket is named in an array only.
 */
export type Place<Document> = Exclude<PathWithin<Document, Levels> | SegmentsWithin<Document, Levels>, IdPlace>

type IdPlace = 'id' | readonly ['id']

type PathWithin<Value, Depth extends readonly unknown[]> = Value extends readonly unknown[]
  ? never
  : Value extends object
    ? { [Key in keyof Value & string]-?: NamedPath<Key, NonNullable<Value[Key]>, Depth> }[keyof Value & string]
    : never

type NamedPath<Key extends string, Value, Depth extends readonly unknown[]> = Key extends
  `${string}.${string}` | `${string}[${string}`
  ? never
  : Key | `${Key}${PathTail<Value, Depth>}`

type PathTail<Value, Depth extends readonly unknown[]> = Depth extends readonly [unknown, ...infer Rest]
  ? Value extends readonly (infer Element)[]
    ? `[${number}]` | `[${number}]${PathTail<NonNullable<Element>, Rest>}`
    : `.${PathWithin<Value, Rest>}`
  : never

type SegmentsWithin<Value, Depth extends readonly unknown[]> = Depth extends readonly [unknown, ...infer Rest]
  ? Value extends readonly (infer Element)[]
    ? readonly [number] | readonly [number, ...SegmentsWithin<NonNullable<Element>, Rest>]
    : Value extends object
      ? {
          [Key in keyof Value & string]-?:
            readonly [Key] | readonly [Key, ...SegmentsWithin<NonNullable<Value[Key]>, Rest>]
        }[keyof Value & string]
      : never
  : never

/** The type of what stands at a place, where it is present. */
export type ValueAt<Document, At> = At extends string
  ? ValueAtPath<Document, At>
  : At extends Segments
    ? ValueAtSegments<Document, At>
    : never

type ValueAtSegments<Value, At extends Segments> = At extends readonly [infer Head, ...infer Rest extends Segments]
  ? ValueAtSegments<Step<Value, Head>, Rest>
  : Exclude<Value, undefined>

type ValueAtPath<Value, Path extends string> = Path extends ''
  ? Exclude<Value, undefined>
  : Path extends `[${number}]${infer Rest}`
    ? ValueAtPath<Step<Value, number>, WithoutDot<Rest>>
    : Path extends `${HeadOf<Path>}${infer Rest}`
      ? ValueAtPath<Step<Value, HeadOf<Path>>, WithoutDot<Rest>>
      : never

type HeadOf<Path extends string> = Path extends `${infer Before}.${string}`
  ? BeforeBracket<Before>
  : BeforeBracket<Path>
type BeforeBracket<Path extends string> = Path extends `${infer Before}[${string}` ? Before : Path
type WithoutDot<Path extends string> = Path extends `.${infer Rest}` ? Rest : Path

/** Distributes over unions: the value of a member where it has one. */
type Step<Value, Key> = Value extends readonly (infer Element)[]
  ? Key extends number
    ? Element
    : never
  : Value extends object
    ? Key extends keyof Value
      ? Value[Key]
      : never
    : never

/** Lets a place through when what stands there, null aside, is of a kind. */
export type Holding<Document, At, Kind> = [NonNullable<ValueAt<Document, At>>] extends [Kind] ? unknown : never

/** The type of the elements of an array at a place. */
export type ElementAt<Document, At> =
  NonNullable<ValueAt<Document, At>> extends readonly (infer Element)[] ? Element : never
