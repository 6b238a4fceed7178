import { encodeJson, InvalidArgumentError, uuidV7 } from '@rillflow/core'
import { checkOptionalText, checkText } from '../../append/check-text.js'
import { checkUuid } from '../../append/check-uuid.js'
import { encodeHeaders } from '../../append/encode-headers.js'
import { maxSize, sizeOf, type PreparedEvent } from '../../append/prepared-event.js'
import type { EventRegistry } from '../../definitions/event-registry.js'
import { LimitExceededError } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { readCreatedAt } from '../created-at.js'
import type { ImportEvent } from './import-event.js'

/** An event of an import, checked; its JSON is written. */
export interface ImportRow extends PreparedEvent {
  readonly streamId: string
  readonly category: string
  readonly version: number | undefined
  readonly createdAt: string | null
}

const maxSchemaVersion = 2 ** 31 - 1

/** Does everything about an event that needs no database; a promise only where a schema answers with one. */
export function prepareRow(
  registry: EventRegistry,
  event: ImportEvent,
  validate: boolean,
): ImportRow | Promise<ImportRow> {
  if (typeof event !== 'object' || event === null)
    throw new InvalidArgumentError('source', 'Each row of source must be an object.')
  checkText('streamId', event.streamId)
  checkText('type', event.type)
  if (!validate) return toRow(registry, event, event.data)
  const made = validated(registry, event)
  return isPromise(made) ? made.then((data) => toRow(registry, event, data)) : toRow(registry, event, made)
}

/** What the schema makes of the data. Data of an older form fits no schema: its upcasters read it. */
function validated(registry: EventRegistry, { type, schemaVersion, data }: ImportEvent): unknown {
  if (schemaVersion === undefined) return registry.validate(type, data)
  const lineage = registry.lineageOf(type)
  if (lineage?.paths.has(schemaVersion) === true) return data
  if (lineage === undefined || (lineage.type === type && lineage.version === schemaVersion))
    return registry.validate(type, data)
  return refuse(
    'schemaVersion',
    `Nothing in this store reads version ${schemaVersion} of ${JSON.stringify(type)}; add its upcaster, or import with validate: false.`,
  )
}

function toRow(registry: EventRegistry, event: ImportEvent, data: unknown): ImportRow {
  const { type } = event
  const row = {
    streamId: event.streamId,
    category: readCategory(registry, event),
    version: event.version,
    type,
    schemaVersion: event.schemaVersion ?? currentVersion(registry, type),
    data: encodeJson(data),
    headers: encodeHeaders(event.headers),
    id: checkUuid(event.id ?? uuidV7()),
    causationId: checkOptionalText('causationId', event.causationId),
    correlationId: checkOptionalText('correlationId', event.correlationId),
    createdAt: event.createdAt === undefined ? null : readCreatedAt(event.createdAt),
  }
  if (row.version !== undefined && !isFrom1To(Number.MAX_SAFE_INTEGER, row.version))
    refuse('version', 'version must be a whole number from 1.')
  if (!isFrom1To(maxSchemaVersion, row.schemaVersion))
    refuse('schemaVersion', `schemaVersion must be a whole number from 1 to ${maxSchemaVersion}.`)
  if (sizeOf(row) > maxSize)
    throw new LimitExceededError(`An event takes ${maxSize} characters of JSON at most, not ${sizeOf(row)}.`)
  return row
}

function readCategory(registry: EventRegistry, { category, type }: ImportEvent): string {
  if (category === undefined) return registry.categoryOf(registry.lineageOf(type)?.type ?? type)
  checkText('category', category)
  return category
}

/** An older name of a type has versions of its own, and none of them is current. */
function currentVersion(registry: EventRegistry, type: string): number {
  const lineage = registry.lineageOf(type)
  if (lineage !== undefined && lineage.type !== type)
    refuse('schemaVersion', `${JSON.stringify(type)} is called otherwise by now; say which schemaVersion its data has.`)
  return registry.schemaVersionOf(type)
}

function isFrom1To(most: number, value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= most
}

function refuse(argument: string, message: string): never {
  throw new InvalidArgumentError(argument, message)
}
