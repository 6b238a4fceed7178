import { encodeJson, InvalidArgumentError, uuidV7, type Context, type JsonObject } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import { LimitExceededError } from '../errors.js'
import type { NewEvent } from '../event.js'
import { checkText } from './check-text.js'
import { encodeExpected, type ExpectedVersion } from './expected-version.js'

/** How an append is made. */
export interface AppendOptions {
  /** `any` unless told. */
  readonly expected?: ExpectedVersion | undefined
  /** Of the stream that this append begins; the family of its first event unless told. No effect on one that exists. */
  readonly category?: string | undefined
  /** Merged over those of the context, under those of each event. */
  readonly headers?: JsonObject | undefined
  readonly causationId?: string | undefined
  readonly correlationId?: string | undefined
}

/** Events checked, validated and written as JSON, ready to be sent. */
export interface PreparedAppend {
  readonly streamId: string
  readonly category: string
  readonly expected: ExpectedVersion
  readonly eventIds: readonly string[]
  /** The events as the elements of a JSON array, without its brackets. */
  readonly events: string
}

/** Larger appends belong into several: the server reads the whole parameter before it writes the first row. */
const maxEvents = 10_000
const maxLength = 64 * 1024 * 1024

const uuidShape = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Does everything about an append that needs no database, so that nothing invalid ever reaches it. */
export async function prepareAppend(
  registry: EventRegistry,
  request: { streamId: string; events: readonly NewEvent[]; options: AppendOptions; context: Context },
): Promise<PreparedAppend> {
  const { streamId, events, options, context } = request
  checkText('streamId', streamId)
  if (!Array.isArray(events) || events.length === 0) {
    throw new InvalidArgumentError('events', 'events must be an array of at least one event.')
  }
  if (events.length > maxEvents) {
    throw new LimitExceededError(`An append takes ${maxEvents} events at most, not ${events.length}; make several.`)
  }
  const expected = options.expected ?? 'any'
  encodeExpected(expected)
  const first = (events[0] as NewEvent).type
  const category = options.category ?? registry.categoryOf(first)
  checkText('category', category)
  const eventIds: string[] = []
  const written: string[] = []
  const wider = mergeAppend(context, options)
  for (const event of events) {
    const id = event.id ?? uuidV7()
    if (!uuidShape.test(id)) throw new InvalidArgumentError('id', 'The id of an event must be a UUID.')
    eventIds.push(id)
    const made = registry.validate(event.type, event.data)
    // Awaiting what is no promise would cost a turn of the event loop for each event.
    written.push(writeEvent(event, id, made instanceof Promise ? await made : made, wider))
  }
  const json = written.join(',')
  if (json.length > maxLength) {
    throw new LimitExceededError(
      `An append takes ${maxLength} characters of JSON at most, not ${json.length}; make several.`,
    )
  }
  return { streamId, category, expected, eventIds, events: json }
}

/** Several appends as the one parameter of the append function. */
export function encodeAppends(appends: readonly PreparedAppend[]): string {
  return `[${appends.map(encodeAppend).join(',')}]`
}

function encodeAppend(append: PreparedAppend): string {
  const { streamId, category, expected, events } = append
  return `[${JSON.stringify(streamId)},${JSON.stringify(category)},${encodeExpected(expected)},[${events}]]`
}

interface WiderContext {
  readonly headers: JsonObject | undefined
  /** The headers as JSON, for the many events that bring none of their own. */
  readonly headersJson: string
  readonly causationId: string | undefined
  readonly correlationId: string | undefined
}

function mergeAppend(context: Context, options: AppendOptions): WiderContext {
  const headers = mergeHeaders(context.headers, options.headers)
  return {
    headers,
    headersJson: encodeHeaders(headers),
    causationId: options.causationId ?? context.causationId,
    correlationId: options.correlationId ?? context.correlationId,
  }
}

function writeEvent(event: NewEvent, id: string, data: unknown, wider: WiderContext): string {
  const headers =
    event.headers === undefined ? wider.headersJson : encodeHeaders(mergeHeaders(wider.headers, event.headers))
  const causation = encodeId('causationId', event.causationId ?? wider.causationId)
  const correlation = encodeId('correlationId', event.correlationId ?? wider.correlationId)
  return `[${JSON.stringify(event.type)},1,${encodeJson(data)},${headers},"${id}",${causation},${correlation}]`
}

function mergeHeaders(wider: JsonObject | undefined, narrower: JsonObject | undefined): JsonObject | undefined {
  if (wider === undefined || narrower === undefined) return narrower ?? wider
  return { ...wider, ...narrower }
}

function encodeHeaders(headers: JsonObject | undefined): string {
  if (headers === undefined) return 'null'
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new InvalidArgumentError('headers', 'headers must be an object.')
  }
  return encodeJson(headers)
}

function encodeId(argument: string, id: string | undefined): string {
  if (id === undefined) return 'null'
  checkText(argument, id)
  return JSON.stringify(id)
}
