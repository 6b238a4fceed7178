/** What {@link given} needs of a Standard Schema, of any version and library. */
export interface SchemaShape {
  readonly '~standard': {
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>
  }
}

/** What a schema answers. */
export type SchemaResult =
  { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/** What a schema has against a value. */
interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What {@link given} needs of a family of events, as `defineEvents` of `@rillflow/events` makes it. */
export interface FamilyShape {
  readonly schemas: Readonly<Record<string, SchemaShape>>
}

/** Where an aggregate stands when a command decides, or when a state is validated. */
export interface PlaceShape {
  readonly id: string
  /** 0 before the first event. */
  readonly version: number
  readonly exists: boolean
}

/**
 * What {@link given} needs of an aggregate, as `defineAggregate` of `@rillflow/aggregates` makes it.
 *
 * A shape and no import, so that a scenario takes an aggregate of any version, and a hand-written one too.
 */
export interface AggregateShape {
  readonly name: string
  readonly events: FamilyShape | readonly FamilyShape[]
  readonly initial: (id: string) => unknown
  readonly evolve: Readonly<Record<string, (state: never, event: never) => unknown>>
  /** `throw` unless told. */
  readonly unknownEvents?: 'throw' | 'skip' | undefined
  readonly validate?: ((state: never, place: PlaceShape) => void) | undefined
}

/** The state of an aggregate, as its commands see it. */
export type StateOf<Aggregate extends AggregateShape> = ReturnType<Aggregate['initial']>

/** An event as it is written for an append: type and data as a pair. */
export interface ScenarioEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
  readonly id?: string | undefined
  readonly headers?: object | undefined
  readonly causationId?: string | undefined
  readonly correlationId?: string | undefined
}

/** Every event of an aggregate, as it is written for an append: the input of its schema. */
export type EventOf<Aggregate extends AggregateShape> = EventIn<FamilyOf<Aggregate['events']>>

type FamilyOf<Events> = Events extends readonly (infer Family)[] ? Family : Events

/** Every event of a family, as it is written for an append. */
export type EventIn<Family> = Family extends FamilyShape
  ? {
      [Type in keyof Family['schemas'] & string]: ScenarioEvent<Type, InputOf<Family['schemas'][Type]>>
    }[keyof Family['schemas'] & string]
  : never

type InputOf<Schema extends SchemaShape> = NonNullable<Schema['~standard']['types']>['input']

/** A command, its input already given: from the state to the new events, a list that is empty when nothing is to be done. */
export type DecideOf<Aggregate extends AggregateShape> = (
  state: StateOf<Aggregate>,
  place: PlaceShape,
) => readonly EventOf<Aggregate>[] | Promise<readonly EventOf<Aggregate>[]>
