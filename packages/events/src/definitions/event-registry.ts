import { InvalidConfigError, validate, type StandardSchemaV1 } from '@rillflow/core'
import { UnknownEventTypeError } from '../errors.js'
import { buildLineages, type Lineage } from '../upcasting/lineages.js'
import type { Upcaster } from '../upcasting/upcaster.js'
import type { EventFamilies } from './define-events.js'

interface KnownEvent {
  readonly schema: StandardSchemaV1
  readonly category: string
}

/** What reading does with an event whose type is in no family: throw, leave it out, or give it as it is. */
export type UnknownTypes = 'throw' | 'skip' | 'pass'

/** What reading does with an event stored at a newer version than the code knows: as with {@link UnknownTypes}. */
export type NewerVersions = 'throw' | 'skip' | 'pass'

/** How stored events that are not of the newest form are read. */
export interface EvolutionOptions {
  readonly newerVersions?: NewerVersions | undefined
  readonly upcasters?: readonly Upcaster[] | undefined
}

/** Every event type of a store, by name. */
export class EventRegistry {
  readonly #known: ReadonlyMap<string, KnownEvent>
  readonly #lineages: ReadonlyMap<string, Lineage>
  readonly unknownTypes: UnknownTypes
  readonly newerVersions: NewerVersions
  readonly upcasters: readonly Upcaster[]

  constructor(families: EventFamilies, unknownTypes: UnknownTypes = 'throw', evolution: EvolutionOptions = {}) {
    this.unknownTypes = unknownTypes
    this.newerVersions = evolution.newerVersions ?? 'throw'
    this.upcasters = evolution.upcasters ?? []
    this.#known = collectTypes(families)
    const types = new Set(this.#known.keys())
    this.#lineages = buildLineages(this.upcasters, { types, strict: this.unknownTypes === 'throw' })
  }

  /** Validates the data of a new event and gives what its schema makes of it. */
  validate(type: string, data: unknown): unknown {
    return validate(this.#find(type).schema, data, `The data of ${type}`)
  }

  /** Validates the data of an event that was read, as `what`; an event of a type in no family is as it is. */
  validateRead(type: string, data: unknown, what: string): unknown {
    const known = this.#known.get(type)
    return known === undefined ? data : validate(known.schema, data, what)
  }

  /** The category of a stream that begins with this type. */
  categoryOf(type: string): string {
    return this.#find(type).category
  }

  /** The version that new events of this type are stored as: the one that its upcasters end in, else 1. */
  schemaVersionOf(type: string): number {
    return this.#lineages.get(type)?.version ?? 1
  }

  /** Tells whether stored events of this type can be read by this store, as they are or by upcasting. */
  has(type: string): boolean {
    return this.lineageOf(type) !== undefined
  }

  /** What becomes of stored events of this type; undefined when it ends in no family. */
  lineageOf(type: string): Lineage | undefined {
    const lineage = this.#lineages.get(type)
    return lineage !== undefined && this.#known.has(lineage.type) ? lineage : undefined
  }

  /** Every name under which events may be stored that are read as this type; the type itself first. */
  storedNamesOf(type: string): readonly string[] {
    const current = this.#lineages.get(type)?.type ?? type
    const names = [...this.#lineages].filter(([, lineage]) => lineage.type === current).map(([name]) => name)
    return [...new Set([current, ...names])]
  }

  #find(type: string): KnownEvent {
    const known = this.#known.get(type)
    if (known !== undefined) return known
    const renamed = this.#lineages.get(type)
    const advice =
      renamed === undefined
        ? 'Add it with defineEvents and pass the family to events({ … }).'
        : `Its upcasters renamed it: append ${JSON.stringify(renamed.type)}.`
    throw new UnknownEventTypeError(
      String(type),
      `The event type ${JSON.stringify(String(type).slice(0, 100))} is in none of this store's families. ${advice}`,
    )
  }
}

function collectTypes(families: EventFamilies): ReadonlyMap<string, KnownEvent> {
  const types = new Map<string, KnownEvent>()
  for (const { category, schemas } of Object.values(families)) {
    for (const [type, schema] of Object.entries(schemas)) {
      const before = types.get(type)
      if (before !== undefined && before.schema !== schema) {
        throw new InvalidConfigError(
          `The event type ${type} is defined twice, in "${before.category}" and in "${category}": ` +
            'stored events are told apart by their type alone. Rename one.',
        )
      }
      types.set(type, { schema, category })
    }
  }
  return types
}
