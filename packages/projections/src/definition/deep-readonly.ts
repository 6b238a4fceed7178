type Whole = string | number | bigint | boolean | symbol | null | undefined | ((...args: never[]) => unknown)

/** A document in which nothing can be set, however deep. */
export type DeepReadonly<Value> = unknown extends Value
  ? Value
  : Value extends Whole
    ? Value
    : { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
