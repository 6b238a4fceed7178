type Untouched =
  string | number | bigint | boolean | symbol | null | undefined | Date | RegExp | ((...args: never[]) => unknown)

/** A value in which nothing can be set, however deep. */
export type DeepReadonly<Value> = unknown extends Value
  ? Value
  : Value extends Untouched
    ? Value
    : Value extends ReadonlyMap<infer Key, infer Item>
      ? ReadonlyMap<Key, DeepReadonly<Item>>
      : Value extends ReadonlySet<infer Item>
        ? ReadonlySet<DeepReadonly<Item>>
        : { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
