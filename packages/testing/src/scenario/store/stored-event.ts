import type { AggregateShape, ScenarioEvent, SchemaResult, SchemaShape } from '../aggregate-shape.js'
import { asJson } from '../values/as-json.js'
import { checkStorable } from './check-storable.js'
import { RefusedError } from './refused-error.js'
import { storedMetadata } from './stored-metadata.js'

/** An event as it would be read back: its data as the schema makes it, and as JSON gives it. */
export interface StoredEvent {
  readonly type: string
  readonly data: unknown
  /** What else the event was written with. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What tells which events there can be, and is named where there is none. */
export type EventSource = Pick<AggregateShape, 'name' | 'events' | 'unknownEvents'>

/** An event that is appended. @throws {@link RefusedError} for what an append would refuse. */
export async function storedEvent(source: EventSource, event: ScenarioEvent): Promise<StoredEvent> {
  return readBack(event, await validated(source, event))
}

/**
 * An event that was there before: of a stream that may hold what the aggregate does not know, where its policy is to skip it.
 *
 * @throws {@link RefusedError} for what no append would have taken.
 */
export async function pastEvent(source: EventSource, event: ScenarioEvent): Promise<StoredEvent> {
  checkForm(event)
  const skipped = source.unknownEvents === 'skip' && schemaOf(source, event.type) === undefined
  return skipped ? readBack(event, event.data) : storedEvent(source, event)
}

/** An event that is only compared: leniently as JSON, with all that it names. */
export async function namedEvent(source: EventSource, event: ScenarioEvent): Promise<StoredEvent> {
  const made = await validated(source, event)
  const { type, data: _, ...metadata } = event
  return { type, data: asJson(made), metadata }
}

async function validated(source: EventSource, event: ScenarioEvent): Promise<unknown> {
  checkForm(event)
  const { type, data } = event
  const schema = schemaOf(source, type)
  if (schema === undefined) {
    const known = typesOf(source).join(', ')
    throw new RefusedError('UnknownEventType', `${source.name} has no event ${type}; it has ${known}.`)
  }
  const result = await schema['~standard'].validate(data)
  if (result.issues === undefined) return result.value
  throw new RefusedError('ValidationFailed', `event ${type} does not fit its schema: ${issuesOf(result)}.`)
}

function readBack(event: ScenarioEvent, data: unknown): StoredEvent {
  const { type } = event
  checkStorable(`data of event ${type}`, data)
  return { type, data: JSON.parse(JSON.stringify(data)) as unknown, metadata: storedMetadata(event) }
}

function schemaOf({ events }: EventSource, type: string): SchemaShape | undefined {
  return [events].flat().find(({ schemas }) => Object.hasOwn(schemas, type))?.schemas[type]
}

function typesOf({ events }: EventSource): readonly string[] {
  return [events].flat().flatMap(({ schemas }) => Object.keys(schemas))
}

/** A program without types may give anything. */
function checkForm(event: { readonly type?: unknown } | null | undefined): void {
  if (typeof event?.type === 'string') return
  const message = 'An event must be an object with a type, which is a string.'
  throw new RefusedError('InvalidArgument', message, { argument: 'events' })
}

function issuesOf({ issues }: Extract<SchemaResult, { readonly issues: readonly unknown[] }>): string {
  const shown = issues.map(({ message, path = [] }) => {
    const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    return `${keys.join('.') || '(root)'}: ${message}`
  })
  return shown.join('; ')
}
