import { InvalidConfigError, type StandardSchemaV1 } from '@rillflow/core'
import { wantedOfText } from '../append/check-text.js'
import type { BareEvent, NewEvent, StoredEvent } from '../event.js'

/** Event types and the schema of each one's data. */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>

/** Events that belong together, made by {@link defineEvents}. */
export interface EventFamily<Schemas extends EventSchemas = EventSchemas> {
  /** The category of a stream whose first event is of this family, unless the append names another. */
  readonly category: string
  readonly schemas: Schemas
}

/** The families of a store under the names that the user gives them. */
export type EventFamilies = Readonly<Record<string, EventFamily>>

/** What may be appended: type and data as a pair, for every event of the families. */
export type NewEventOf<Families extends EventFamilies> = {
  [Key in keyof Families]: NewEventIn<Families[Key]['schemas']>
}[keyof Families]

type NewEventIn<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: NewEvent<Type, StandardSchemaV1.InferInput<Schemas[Type]>>
}[keyof Schemas & string]

/** What is read back: type and data as a pair, for every event of the families. */
export type StoredEventOf<Families extends EventFamilies> = {
  [Key in keyof Families]: StoredEventIn<Families[Key]['schemas']>
}[keyof Families]

/** What is read back without metadata. */
export type BareEventOf<Families extends EventFamilies> = {
  [Key in keyof Families]: BareEventIn<Families[Key]['schemas']>
}[keyof Families]

type BareEventIn<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: BareEvent<Type, StandardSchemaV1.InferOutput<Schemas[Type]>>
}[keyof Schemas & string]

/** What is read back of one family. */
export type StoredEventIn<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: StoredEvent<Type, StandardSchemaV1.InferOutput<Schemas[Type]>>
}[keyof Schemas & string]

/**
 * Defines a family of events: each type with any Standard Schema for its data.
 *
 * @throws InvalidConfig when the category or a type is empty, over 1,000 bytes, or text that PostgreSQL cannot hold.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineEvents } from '@rillflow/events'
 * import { z } from 'zod'
 *
 * const OrderEvents = defineEvents('order', {
 *   OrderPlaced: z.object({ customerId: z.string(), total: z.number() }),
 *   OrderShipped: typed<{ carrier: string }>(), // not validated
 * })
 * ```
 */
export function defineEvents<const Schemas extends EventSchemas>(
  category: string,
  schemas: Schemas,
): EventFamily<Schemas> {
  const wanted = wantedOfText(category)
  if (wanted !== undefined) {
    throw new InvalidConfigError(
      `defineEvents: the category must be ${wanted}; name the kind of stream, as in "order".`,
    )
  }
  for (const [type, schema] of Object.entries(schemas)) {
    const wantedOfType = wantedOfText(type)
    if (wantedOfType !== undefined) {
      throw new InvalidConfigError(`defineEvents("${category}"): an event type must be ${wantedOfType}.`)
    }
    if (typeof schema?.['~standard']?.validate !== 'function') {
      throw new InvalidConfigError(
        `defineEvents("${category}"): ${type} has no Standard Schema; give one, as zod makes, or typed<…>().`,
      )
    }
  }
  return { category, schemas }
}
