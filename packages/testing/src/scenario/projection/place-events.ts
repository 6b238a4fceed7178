import type { ScenarioEvent } from '../aggregate-shape.js'
import { RefusedError } from '../store/refused-error.js'
import { checkText } from '../store/stored-metadata.js'
import { storedEvent } from '../store/stored-event.js'
import { deepFreeze } from '../values/deep-freeze.js'
import type { EventPlace, PlacedEvent, ProjectionShape } from './projection-shape.js'

/** An event as a scenario has it. */
export type StreamEvent = ScenarioEvent & EventPlace

/** When everything happens, unless told: a scenario must come out alike whenever it is run. */
const epoch = Date.UTC(2000, 0)

/** The streams of a scenario: gives each event the place that a store would give it. */
export class Streams {
  readonly #projection: ProjectionShape
  readonly #streams = new Map<string, { readonly category: string; version: number }>()
  #position = 0

  constructor(projection: ProjectionShape) {
    this.#projection = projection
  }

  /** The event as it would be read back. @throws {@link RefusedError} for what an append would refuse. */
  async append(event: StreamEvent): Promise<PlacedEvent> {
    const { name, from } = this.#projection
    const { type, data, metadata } = await storedEvent({ name, events: from }, event)
    const { streamId, category, createdAt } = event
    checkId('streamId', streamId)
    checkText('category', category)
    checkDate(createdAt)
    const stream = this.#streams.get(streamId) ?? { category: category ?? this.#categoryOf(type), version: 0 }
    this.#streams.set(streamId, stream)
    stream.version += 1
    this.#position += 1
    return deepFreeze({
      type,
      data,
      id: textOf(metadata['id'])?.toLowerCase() ?? idAt(this.#position),
      streamId,
      version: stream.version,
      position: this.#position,
      category: stream.category,
      schemaVersion: 1,
      headers: metadata['headers'] ?? {},
      causationId: textOf(metadata['causationId']),
      correlationId: textOf(metadata['correlationId']),
      createdAt: createdAt ?? new Date(epoch),
    })
  }

  #categoryOf(type: string): string {
    return this.#projection.from.find(({ schemas }) => Object.hasOwn(schemas, type))?.category ?? type
  }
}

/** An id that is the same in each run. */
function idAt(position: number): string {
  return `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`
}

function checkId(argument: string, value: unknown): void {
  checkText(argument, value ?? '')
}

function checkDate(value: unknown): void {
  if (value === undefined || (value instanceof Date && !Number.isNaN(value.getTime()))) return
  throw new RefusedError('InvalidArgument', 'createdAt must be a Date.', { argument: 'createdAt' })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
