import { exportFormat } from './export-format.js'
import type { ImportEvent } from '../import/import-event.js'
import { MalformedExportError } from './malformed-export-error.js'
import { splitLines, type TextSource } from './split-lines.js'

/** An event of an export: everything about it but its position. */
export type ExportedEvent = ImportEvent & {
  readonly category: string
  readonly version: number
  readonly schemaVersion: number
  readonly id: string
  readonly createdAt: string
}

/**
 * Reads the text of an export, or of several one after the other, as events to import.
 *
 * It takes the text in pieces that may be cut anywhere: what `export` gives, a file's stream, the body of a response. The
 * text is read as it comes; that it was cut short shows at its end, when the events before are given already.
 *
 * @throws {@link MalformedExportError} while it is iterated.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { createStore } from '@rillflow/core'
 * import { events, parseExport } from '@rillflow/events'
 *
 * const store = createStore({ connection: process.env.DATABASE_URL, modules: { events: events({}) } })
 * const source = parseExport(createReadStream('events.ndjson'))
 * const { events: stored } = await store.events.import(source, { validate: false, name: 'move to the new database' })
 * console.log(`${stored} events imported`)
 * await store.close()
 * ```
 */
export async function* parseExport(source: TextSource): AsyncGenerator<ExportedEvent, void, undefined> {
  let line = 0
  let inside = false
  let events = 0
  for await (const text of splitLines(source)) {
    line += 1
    const value = parseLine(text, line)
    if (!inside) {
      checkHeader(value, line)
      inside = true
      events = 0
    } else if (value['end'] === true) {
      checkEnd(value, events, line)
      inside = false
    } else {
      yield toEvent(value, line)
      events += 1
    }
  }
  if (inside || line === 0)
    throw new MalformedExportError(line + 1, 'the text ends before the export does; it was cut short.')
}

type Line = Readonly<Record<string, unknown>>

function parseLine(text: string, line: number): Line {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What the parser throws quotes the text, which is payload.
    throw new MalformedExportError(line, 'this is not JSON.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Line
  throw new MalformedExportError(line, 'this is no JSON object.')
}

function checkHeader(value: Line, line: number): void {
  if (value['export'] !== exportFormat.export)
    throw new MalformedExportError(line, `an export begins with ${JSON.stringify(exportFormat)}.`)
  if (value['format'] !== exportFormat.format) {
    throw new MalformedExportError(
      line,
      `the export has the format ${String(value['format']).slice(0, 20)}; this version of @rillflow/events reads ${exportFormat.format}.`,
    )
  }
}

function checkEnd(value: Line, events: number, line: number): void {
  if (value['events'] === events) return
  throw new MalformedExportError(
    line,
    `the export should hold ${String(value['events']).slice(0, 20)} events and holds ${events}; lines are missing or doubled.`,
  )
}

/** What an event must have; what its values must be is checked where it is imported. */
const required = ['streamId', 'category', 'version', 'type', 'schemaVersion', 'id', 'createdAt', 'data'] as const

function toEvent(value: Line, line: number): ExportedEvent {
  const missing = required.find((field) => !Object.hasOwn(value, field))
  if (missing !== undefined) throw new MalformedExportError(line, `the event has no ${missing}.`)
  const { position: _, ...event } = value
  return event as unknown as ExportedEvent
}
