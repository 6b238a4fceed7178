import { InvalidConfigError } from '@rillflow/core'
import type { EventFamily, EventFilter, StoredEvent, StoredEventOf } from '@rillflow/events'
import { checkName } from '../consumers/consumer-key.js'

/** Where a subscription begins, the first time: at the first event, behind the last one, or behind a position. */
export type StartFrom = 'beginning' | 'now' | number

/** What a subscription selects, besides the types of its families. */
export type StreamFilter = Omit<EventFilter, 'types'>

/** The event of the given types, or any of the families. */
type EventIn<Families extends readonly EventFamily[], Type extends string> = Extract<
  StoredEventOf<FamiliesOf<Families>>,
  { readonly type: Type }
>

type FamiliesOf<Families extends readonly EventFamily[]> = {
  readonly [Key in keyof Families & `${number}`]: Families[Key]
}

type TypeIn<Families extends readonly EventFamily[]> = StoredEventOf<FamiliesOf<Families>>['type']

/** How a subscription is defined. */
export interface SubscriptionOptions<Families extends readonly EventFamily[], Type extends string> {
  /** The families of its events: every type of them, unless `types` names some. */
  readonly from: Families
  readonly types?: readonly Type[] | undefined
  /** What must hold besides. */
  readonly filter?: StreamFilter | undefined
  /** `beginning` unless told. Asked once: from then on the checkpoint counts. */
  readonly startFrom?: StartFrom | undefined
}

/** A selection of events under a name, made by {@link defineSubscription}. */
export interface Subscription<Event extends StoredEvent = StoredEvent> {
  readonly name: string
  readonly filter: EventFilter
  readonly startFrom: StartFrom
  /** Never there; it carries the type of the events. */
  readonly event?: Event | undefined
}

/**
 * Defines a subscription: which events, under which name its checkpoint is kept.
 *
 * @throws InvalidConfig, InvalidArgument
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineEvents } from '@rillflow/events'
 * import { defineSubscription } from '@rillflow/subscriptions'
 *
 * const OrderEvents = defineEvents('order', {
 *   OrderPlaced: typed<{ total: number }>(),
 *   OrderShipped: typed<{ carrier: string }>(),
 * })
 * const Mailer = defineSubscription('mailer', { from: [OrderEvents], types: ['OrderPlaced'] })
 * ```
 */
export function defineSubscription<
  const Families extends readonly EventFamily[],
  const Type extends TypeIn<Families> = TypeIn<Families>,
>(name: string, options: SubscriptionOptions<Families, Type>): Subscription<EventIn<Families, Type>> {
  checkName('name', name)
  const { from, types, filter = {}, startFrom = 'beginning' } = options
  const refuse = (what: string): InvalidConfigError =>
    new InvalidConfigError(`defineSubscription(${JSON.stringify(name)}): ${what}`)
  if (!Array.isArray(from) || from.length === 0)
    throw refuse('from must be a list of families, as defineEvents makes them.')
  const known = (from as readonly EventFamily[]).flatMap((family) => Object.keys(family?.schemas ?? {}))
  if (known.length === 0) throw refuse('its families have no types.')
  if (types !== undefined && (!Array.isArray(types) || types.length === 0)) {
    throw refuse('types must name at least one; leave it out for all of the families.')
  }
  const unknown = (types ?? []).find((type: string) => !known.includes(type))
  if (unknown !== undefined) throw refuse(`${JSON.stringify(unknown)} is a type of none of its families.`)
  if ('types' in filter) throw refuse('name types beside the filter, not in it.')
  if (!isStart(startFrom)) throw refuse("startFrom must be 'beginning', 'now' or a position.")
  return { name, filter: { ...filter, types: types ?? known }, startFrom }
}

/** Whether a value says where to begin. */
export function isStart(value: unknown): value is StartFrom {
  return value === 'beginning' || value === 'now' || (Number.isSafeInteger(value) && (value as number) >= 0)
}
