import type { StandardSchemaV1 } from '@rillflow/core'
import type { BareEventOf, EventFamily, EventSchemas, NewEventOf } from '@rillflow/events'
import type { DeepReadonly } from './deep-readonly.js'

/** Where an aggregate stands when a decision is taken. */
export interface AggregatePlace {
  /** The id of its stream. */
  readonly id: string
  /** The stream's version; 0 before its first event. */
  readonly version: number
  readonly exists: boolean
}

/** What folding does with an event of the stream that is not of the aggregate's family: throw, or leave it out. */
export type UnknownEvents = 'throw' | 'skip'

/** When snapshots are taken, and which of them are read. */
export interface SnapshotPolicy {
  /** One whenever the version crosses a multiple of this. */
  readonly every: number
  /** Of the shape of the state: count it up when the state changes its shape, or `evolve` its meaning. */
  readonly version: number
  /** What a stored state must be: one that is not is ignored, and all events are read. Any JSON unless told. */
  readonly schema?: StandardSchemaV1 | undefined
}

/** One function for each type of event: the state after it, from the state before it. It must not change either. */
export type Evolve<State, Schemas extends EventSchemas> = {
  readonly [Type in keyof Schemas & string]: (
    state: DeepReadonly<State>,
    event: Extract<BareEventOf<{ readonly family: EventFamily<Schemas> }>, { readonly type: Type }>,
  ) => DeepReadonly<State>
}

/** The events that a decision may give. */
export type DecidedEvent<Schemas extends EventSchemas> = NewEventOf<{ readonly family: EventFamily<Schemas> }>

/** The events that a decision gives; none when nothing is to be done. */
export type Decision<Schemas extends EventSchemas> =
  readonly DecidedEvent<Schemas>[] | Promise<readonly DecidedEvent<Schemas>[]>

/** Decides on the state as it is; what it throws comes out unchanged. It may be called again after a conflict. */
export type Decide<State, Schemas extends EventSchemas> = (
  state: DeepReadonly<State>,
  place: AggregatePlace,
) => Decision<Schemas>

/** What each command takes besides the state. */
export type CommandInputs = Readonly<Record<string, readonly unknown[]>>

/** Decisions that have a name, and input of their own. */
export type CommandRecord<State, Schemas extends EventSchemas, Inputs extends CommandInputs> = {
  readonly [Name in keyof Inputs]: (state: DeepReadonly<State>, ...input: Inputs[Name]) => Decision<Schemas>
}

/** Commands as they are called: with their input alone, for a function that decides. */
export type CommandsOf<State, Schemas extends EventSchemas, Inputs extends CommandInputs> = {
  readonly [Name in keyof Inputs]: (...input: Inputs[Name]) => Decide<State, Schemas>
}

/** How the events of one stream become a state: what every call takes, whatever the commands. */
export interface AggregateDefinition<State, Schemas extends EventSchemas> {
  readonly name: string
  readonly events: EventFamily<Schemas>
  readonly initial: (id: string) => DeepReadonly<NoInfer<State>>
  readonly evolve: Evolve<NoInfer<State>, NoInfer<Schemas>>
  readonly validate: ((state: DeepReadonly<NoInfer<State>>, place: AggregatePlace) => void) | undefined
  readonly snapshot: SnapshotPolicy | undefined
  readonly unknownEvents: UnknownEvents
  /** Never there; it carries the type, which cannot be told from what is readonly. */
  readonly state?: State | undefined
}

/** An aggregate, made by {@link defineAggregate}. */
export interface Aggregate<
  State,
  Schemas extends EventSchemas,
  Inputs extends CommandInputs,
> extends AggregateDefinition<State, Schemas> {
  /** `Order.commands.ship({ carrier: 'dhl' })` is a function that decides, for `execute`. */
  readonly commands: CommandsOf<State, Schemas, Inputs>
}
