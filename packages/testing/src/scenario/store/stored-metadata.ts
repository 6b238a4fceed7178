import type { ScenarioEvent } from '../aggregate-shape.js'
import { checkStorable } from './check-storable.js'
import { RefusedError } from './refused-error.js'

const uuidShape = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Longer ids do not fit into an index entry of the store. */
const maxBytes = 1_000

/**
 * What an event is stored with besides type and data; whatever else an object has is no part of the event.
 *
 * @throws {@link RefusedError} for what an append would refuse.
 */
export function storedMetadata(event: ScenarioEvent): Readonly<Record<string, unknown>> {
  const { type, id, headers, causationId, correlationId } = event
  if (id !== undefined && !(typeof id === 'string' && uuidShape.test(id))) {
    refuse('id', 'The id of an event must be a UUID.')
  }
  if (headers !== undefined) checkHeaders(type, headers)
  checkText('causationId', causationId ?? undefined)
  checkText('correlationId', correlationId ?? undefined)
  return JSON.parse(JSON.stringify({ id, headers, causationId, correlationId })) as Readonly<Record<string, unknown>>
}

function checkHeaders(type: string, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    refuse('headers', 'headers must be an object.')
  }
  checkStorable(`headers of event ${type}`, headers)
}

/** Throws for what cannot be an id; undefined is none. @throws {@link RefusedError} */
export function checkText(argument: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'string' || value === '') refuse(argument, `${argument} must be a non-empty string.`)
  if (value.includes('\0')) refuse(argument, `${argument} must be text without a NUL character.`)
  if (!value.isWellFormed()) refuse(argument, `${argument} must be valid Unicode, without a lone surrogate.`)
  if (Buffer.byteLength(value) > maxBytes) refuse(argument, `${argument} must be at most ${maxBytes} bytes.`)
}

function refuse(argument: string, message: string): never {
  throw new RefusedError('InvalidArgument', message, { argument })
}
