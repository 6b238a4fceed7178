import { InvalidConfigError } from '@rillflow/core'
import { checkText } from '../append/check-text.js'
import type { StoredEvent } from '../event.js'

/** An event type and a version of its data. */
export type EventVersion = readonly [type: string, schemaVersion: number]

/** One step from an older form of an event to a newer one, made by {@link upcaster}. */
export interface Upcaster {
  readonly from: EventVersion
  readonly to: EventVersion
  readonly upcast: (data: unknown, event: StoredEvent) => unknown
}

/** One step as its author writes it. */
export interface UpcasterDefinition<Data> {
  /** What the step takes. Events are stored as version 1 until an upcaster leads to another one. */
  readonly from: EventVersion
  /**
   * What it gives; another type renames the event. One that has stored events already is to be named in their newest
   * version: a higher one would need a step from theirs.
   */
  readonly to: EventVersion
  /**
   * Gives the new data; may be async, and then events wait for one another. `event` is as this step finds it: of the
   * type and version of `from`. It must give the same for the same event, whenever it is read.
   */
  readonly upcast: (data: Data, event: StoredEvent) => unknown
}

/** What the database keeps a version in. */
const maxVersion = 2 ** 31 - 1

/**
 * Defines how an older form of an event is read: what is stored stays as it is, and every read gives the newest form.
 *
 * Steps chain: from 1 to 2 and from 2 to 3 reads 1 as 3. New events are stored at the version that the chain of their
 * type ends in.
 *
 * @throws InvalidConfig when a type is no text, a version no whole number from 1, or `upcast` no function.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineEvents, events, upcaster } from '@rillflow/events'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number; currency: string }>() })
 * const module = events(
 *   { order: OrderEvents },
 *   {
 *     upcasters: [
 *       upcaster({
 *         from: ['OrderCreated', 1],
 *         to: ['OrderPlaced', 2],
 *         upcast: (data: { total: number }) => ({ ...data, currency: 'EUR' }),
 *       }),
 *     ],
 *   },
 * )
 * ```
 */
export function upcaster<Data>(definition: UpcasterDefinition<Data>): Upcaster {
  const { from, to, upcast } = definition
  checkEventVersion('from', from)
  checkEventVersion('to', to)
  if (typeof upcast !== 'function') {
    throw new InvalidConfigError(`upcaster from ${describeVersion(from)}: upcast is no function.`)
  }
  // What is stored has the form that the author of the step says it has.
  return { from, to, upcast: upcast as Upcaster['upcast'] }
}

/** How a form of an event is named to people: `OrderPlaced 2`. */
export function describeVersion([type, schemaVersion]: EventVersion): string {
  return `${type} ${schemaVersion}`
}

function checkEventVersion(argument: string, given: unknown): void {
  const [type, schemaVersion] = Array.isArray(given) ? (given as readonly unknown[]) : []
  const isVersion =
    Number.isInteger(schemaVersion) && (schemaVersion as number) >= 1 && (schemaVersion as number) <= maxVersion
  if (isText(type) && isVersion) return
  throw new InvalidConfigError(`upcaster: ${argument} must be a type and a version from 1, as in ['OrderPlaced', 1].`)
}

function isText(type: unknown): boolean {
  try {
    checkText('type', type)
    return true
  } catch {
    return false
  }
}
