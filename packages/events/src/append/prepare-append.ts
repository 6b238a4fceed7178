import { uuidV7, type Context, type JsonObject } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import { LimitExceededError } from '../errors.js'
import type { NewEvent } from '../event.js'
import { isPromise } from '../is-promise.js'
import { checkEvents } from './check-events.js'
import { checkOptionalText, checkText } from './check-text.js'
import { checkUuid } from './check-uuid.js'
import { encodeHeaders, mergeHeaders } from './encode-headers.js'
import { encodeExpected, type ExpectedVersion } from './expected-version.js'
import { maxSize, sizeOf, type PreparedEvent } from './prepared-event.js'
import { encodedData, encodeValid } from './settled-event.js'

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
  /**
   * Makes a repetition harmless: the same key on the same stream with the same types and data gives the result of the
   * first append and writes nothing; with others it throws `IdempotencyMismatch`.
   */
  readonly idempotencyKey?: string | undefined
}

/** How an append on the store itself is made. */
export interface StoreAppendOptions extends AppendOptions {
  /** Withdraws the append as long as it has not been sent; afterwards its outcome is told all the same. */
  readonly signal?: AbortSignal | undefined
}

/** An append ready to be sent. */
export interface PreparedAppend {
  readonly streamId: string
  readonly category: string
  readonly expected: ExpectedVersion
  readonly idempotencyKey: string | undefined
  readonly events: readonly PreparedEvent[]
  /** About how many characters it takes on the wire. */
  readonly size: number
}

/** Larger appends belong into several: the server reads the whole parameter before it writes the first row. */
const maxEvents = 10_000

/** Does everything about an append that needs no database, so that nothing invalid ever reaches it. */
export async function prepareAppend(
  registry: EventRegistry,
  request: { streamId: string; events: readonly NewEvent[]; options: AppendOptions; context: Context },
): Promise<PreparedAppend> {
  const { streamId, events, options, context } = request
  checkText('streamId', streamId)
  checkEvents(events)
  if (events.length > maxEvents) {
    throw new LimitExceededError(`An append takes ${maxEvents} events at most, not ${events.length}; make several.`)
  }
  // Not `??`: null is no way to say "any", and would leave out a check that somebody meant.
  const expected = options.expected === undefined ? 'any' : options.expected
  encodeExpected(expected)
  const first = (events[0] as NewEvent).type
  const category = options.category ?? registry.categoryOf(first)
  checkText('category', category)
  const { idempotencyKey } = options
  if (idempotencyKey !== undefined) checkText('idempotencyKey', idempotencyKey)
  const wider = mergeAppend(context, options)
  const prepared: PreparedEvent[] = []
  let size = streamId.length + category.length
  for (const event of events) {
    // Awaiting what is no promise would cost a turn of the event loop for each event.
    const made = encodedData(event) ?? encodeValid(registry, event)
    const data = isPromise(made) ? await made : made
    const one = prepareEvent(event, { data, schemaVersion: registry.schemaVersionOf(event.type) }, wider)
    size += sizeOf(one)
    prepared.push(one)
  }
  if (size > maxSize) {
    throw new LimitExceededError(`An append takes ${maxSize} characters of JSON at most, not ${size}; make several.`)
  }
  return { streamId, category, expected, idempotencyKey, events: prepared, size }
}

interface WiderContext {
  readonly headers: JsonObject | undefined
  /** The headers as JSON, for the many events that bring none of their own. */
  readonly headersJson: string | null
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

function prepareEvent(
  event: NewEvent,
  { data, schemaVersion }: { readonly data: string; readonly schemaVersion: number },
  wider: WiderContext,
): PreparedEvent {
  const id = event.id === undefined ? uuidV7() : checkUuid(event.id)
  return {
    type: event.type,
    schemaVersion,
    data,
    headers:
      event.headers === undefined ? wider.headersJson : encodeHeaders(mergeHeaders(wider.headers, event.headers)),
    id,
    causationId: checkOptionalText('causationId', event.causationId ?? wider.causationId),
    correlationId: checkOptionalText('correlationId', event.correlationId ?? wider.correlationId),
  }
}
