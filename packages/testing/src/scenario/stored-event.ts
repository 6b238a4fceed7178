import type { AggregateShape, ScenarioEvent, SchemaResult, SchemaShape } from './aggregate-shape.js'
import { RefusedError } from './refused-error.js'
import { asJson, NotJsonError } from './values/as-json.js'

/** An event as it would be read back: its data as the schema makes it, and as JSON gives it. */
export interface StoredEvent {
  readonly type: string
  readonly data: unknown
  /** What else the event was written with. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** @throws {@link RefusedError} for what an append would refuse. */
export async function storedEvent(aggregate: AggregateShape, event: ScenarioEvent): Promise<StoredEvent> {
  checkForm(event)
  const { type, data, ...metadata } = event
  const schema = schemaOf(aggregate, type)
  if (schema === undefined) {
    const known = typesOf(aggregate).join(', ')
    throw new RefusedError('UnknownEventType', `${aggregate.name} has no event ${type}; it has ${known}.`)
  }
  const result = await schema['~standard'].validate(data)
  if (result.issues !== undefined) {
    throw new RefusedError('ValidationFailed', `event ${type} does not fit its schema: ${issuesOf(result)}.`)
  }
  return { type, data: storable(type, result.value), metadata }
}

function schemaOf({ events }: AggregateShape, type: string): SchemaShape | undefined {
  return [events].flat().find(({ schemas }) => Object.hasOwn(schemas, type))?.schemas[type]
}

function typesOf({ events }: AggregateShape): readonly string[] {
  return [events].flat().flatMap(({ schemas }) => Object.keys(schemas))
}

/** A program without types may give anything. */
function checkForm(event: { readonly type?: unknown } | null | undefined): void {
  if (typeof event?.type === 'string') return
  throw new RefusedError('InvalidArgument', 'An event must be an object with a type, which is a string.')
}

function storable(type: string, data: unknown): unknown {
  try {
    const stored = asJson(data)
    if (stored !== undefined) return stored
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error
    throw new RefusedError('UnstorableValue', `data of event ${type}: ${error.message}.`, { cause: error })
  }
  throw new RefusedError('UnstorableValue', `event ${type} has no data; give it null or an empty object.`)
}

function issuesOf({ issues }: Extract<SchemaResult, { readonly issues: readonly unknown[] }>): string {
  const shown = issues.map(({ message, path = [] }) => {
    const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    return `${keys.join('.') || '(root)'}: ${message}`
  })
  return shown.join('; ')
}
