/** One element for each level that the types follow; without an end a recursive type would never be finished. */
type Levels = readonly [0, 0, 0, 0, 0]

/**
 * The fields of a document that a filter or an index may name: its properties, and those of nested objects with dots,
 * five levels deep. Arrays are fields as a whole; a property whose own name holds a dot cannot be named.
 */
export type FieldOf<Document> = FieldWithin<Document, Levels>

type FieldWithin<Value, Depth extends readonly unknown[]> = Depth extends readonly [unknown, ...infer Rest]
  ? Value extends readonly unknown[]
    ? never
    : Value extends object
      ? { [Key in keyof Value & string]-?: FieldNames<Key, Value[Key], Rest> }[keyof Value & string]
      : never
  : never

type FieldNames<Key extends string, Value, Depth extends readonly unknown[]> = Key extends `${string}.${string}`
  ? never
  : Key | `${Key}.${FieldWithin<Value, Depth>}`

/** The type of a field where it is present. */
export type FieldValue<Value, Field extends string> = Value extends object
  ? Field extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Value
      ? FieldValue<Value[Head], Rest>
      : never
    : Field extends keyof Value
      ? Exclude<Value[Field], undefined>
      : never
  : never
