import { InvalidConfigError, validate, type StandardSchemaV1 } from '@rillflow/core'
import { UnknownEventTypeError } from '../errors.js'
import type { EventFamilies } from './define-events.js'

interface KnownEvent {
  readonly schema: StandardSchemaV1
  readonly category: string
}

/** What reading does with an event whose type is in no family: throw, leave it out, or give it as it is. */
export type UnknownTypes = 'throw' | 'skip' | 'pass'

/** Every event type of a store, by name. */
export class EventRegistry {
  readonly #known = new Map<string, KnownEvent>()
  readonly unknownTypes: UnknownTypes

  constructor(families: EventFamilies, unknownTypes: UnknownTypes) {
    this.unknownTypes = unknownTypes
    for (const { category, schemas } of Object.values(families)) {
      for (const [type, schema] of Object.entries(schemas)) {
        const before = this.#known.get(type)
        if (before !== undefined && before.schema !== schema) {
          throw new InvalidConfigError(
            `The event type ${type} is defined twice, in "${before.category}" and in "${category}": ` +
              'stored events are told apart by their type alone. Rename one.',
          )
        }
        this.#known.set(type, { schema, category })
      }
    }
  }

  /** Validates the data of a new event and gives what its schema makes of it. */
  validate(type: string, data: unknown): unknown {
    return validate(this.#find(type).schema, data, `The data of ${type}`)
  }

  /** The category of a stream that begins with this type. */
  categoryOf(type: string): string {
    return this.#find(type).category
  }

  /** Tells whether stored events of this type can be read by this store. */
  has(type: string): boolean {
    return this.#known.has(type)
  }

  #find(type: string): KnownEvent {
    const known = this.#known.get(type)
    if (known !== undefined) return known
    throw new UnknownEventTypeError(
      String(type),
      `The event type ${JSON.stringify(String(type).slice(0, 100))} is in none of this store's families. ` +
        'Add it with defineEvents and pass the family to events({ … }).',
    )
  }
}
