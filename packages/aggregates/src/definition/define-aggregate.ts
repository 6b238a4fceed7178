import { encodeJson, InvalidConfigError } from '@rillflow/core'
import type { EventFamily, EventSchemas } from '@rillflow/events'
import type {
  Aggregate,
  AggregatePlace,
  CommandInputs,
  CommandRecord,
  CommandsOf,
  Decide,
  Decision,
  Evolve,
  SnapshotPolicy,
  UnknownEvents,
} from './aggregate.js'
import type { DeepReadonly } from './deep-readonly.js'

/** What an aggregate is. */
export interface AggregateOptions<State, Schemas extends EventSchemas, Inputs extends CommandInputs> {
  /** Its events; their category is that of its streams. */
  readonly events: EventFamily<Schemas>
  /** The state before the first event. */
  readonly initial: (id: string) => State
  /** A function for each type of event; one that is missing does not compile. */
  readonly evolve: NoInfer<Evolve<State, Schemas>>
  /** Decisions that have a name: `execute(Order, id, Order.commands.ship({ carrier: 'dhl' }))`. */
  readonly commands?: CommandRecord<State, Schemas, Inputs> | undefined
  /** Refuses, by throwing, a state that new events would lead to; nothing is written then. */
  readonly validate?: ((state: DeepReadonly<NoInfer<State>>, place: AggregatePlace) => void) | undefined
  /** None are taken or read unless told. */
  readonly snapshot?: SnapshotPolicy | undefined
  /** `throw` unless told. */
  readonly unknownEvents?: UnknownEvents | undefined
}

/**
 * Defines an aggregate: how the events of one stream become a state.
 *
 * @throws InvalidConfig for an empty name, an event without its function, and a snapshot policy that makes no sense, such
 * as that of a state that JSON cannot hold.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineEvents } from '@rillflow/events'
 * import { defineAggregate } from '@rillflow/aggregates'
 *
 * const OrderEvents = defineEvents('order', {
 *   OrderPlaced: typed<{ total: number }>(),
 *   OrderShipped: typed<{ carrier: string }>(),
 * })
 * const Order = defineAggregate('order', {
 *   events: OrderEvents,
 *   initial: () => ({ status: 'new' as 'new' | 'placed' | 'shipped', total: 0 }),
 *   evolve: {
 *     OrderPlaced: (order, { data }) => ({ ...order, status: 'placed', total: data.total }),
 *     OrderShipped: (order) => ({ ...order, status: 'shipped' }),
 *   },
 *   commands: {
 *     ship: (order, { carrier }: { carrier: string }) =>
 *       order.status === 'placed' ? [{ type: 'OrderShipped', data: { carrier } }] : [],
 *   },
 *   snapshot: { every: 100, version: 1 },
 * })
 * ```
 */
export function defineAggregate<
  State,
  Schemas extends EventSchemas,
  Inputs extends CommandInputs = Readonly<Record<string, never>>,
>(name: string, options: AggregateOptions<State, Schemas, Inputs>): Aggregate<State, Schemas, Inputs> {
  if (typeof name !== 'string' || name.trim() === '') {
    throw new InvalidConfigError('defineAggregate: the name must be text, and not empty: snapshots are kept under it.')
  }
  const { events, evolve, validate, snapshot, unknownEvents = 'throw' } = options
  for (const type of Object.keys(events.schemas)) {
    const own = Object.hasOwn(evolve, type) && (evolve as Readonly<Record<string, unknown>>)[type]
    if (typeof own === 'function') continue
    throw new InvalidConfigError(`defineAggregate(${JSON.stringify(name)}): evolve has no function for ${type}.`)
  }
  // A state is what its maker gives; from here on nobody may change it.
  const initial = options.initial as (id: string) => DeepReadonly<State>
  if (unknownEvents !== 'throw' && unknownEvents !== 'skip') {
    throw new InvalidConfigError(`defineAggregate(${JSON.stringify(name)}): unknownEvents must be 'throw' or 'skip'.`)
  }
  if (snapshot !== undefined) checkPolicy(name, snapshot, initial)
  return {
    name,
    events,
    initial,
    evolve,
    validate,
    snapshot,
    unknownEvents,
    commands: makeCommands(options.commands),
  }
}

function makeCommands<State, Schemas extends EventSchemas, Inputs extends CommandInputs>(
  commands: CommandRecord<State, Schemas, Inputs> | undefined,
): CommandsOf<State, Schemas, Inputs> {
  type Command = (state: DeepReadonly<State>, ...input: readonly unknown[]) => Decision<Schemas>
  const made = Object.entries((commands ?? {}) as Readonly<Record<string, Command>>).map(([name, command]) => {
    const call = (...input: readonly unknown[]): Decide<State, Schemas> => {
      const decide: Decide<State, Schemas> = (state) => command(state, ...input)
      // What a failing test shows of it.
      return Object.defineProperty(decide, 'name', { value: name })
    }
    return [name, call]
  })
  // Built key by key; TypeScript cannot follow a loop.
  return Object.fromEntries(made) as CommandsOf<State, Schemas, Inputs>
}

function checkPolicy(name: string, { every, version }: SnapshotPolicy, initial: (id: string) => unknown): void {
  for (const [field, value] of Object.entries({ every, version })) {
    if (Number.isInteger(value) && value >= 1 && value <= 2_147_483_647) continue
    throw new InvalidConfigError(
      `defineAggregate(${JSON.stringify(name)}): snapshot.${field} must be a whole number from 1 on, not ${String(value)}.`,
    )
  }
  const state = initial('check')
  try {
    encodeJson(state)
  } catch (error) {
    throw new InvalidConfigError(
      `defineAggregate(${JSON.stringify(name)}): a state that JSON cannot hold has no snapshots: ${String((error as Error).message)} ` +
        'Keep plain values in the state, or leave out snapshot.',
    )
  }
}
