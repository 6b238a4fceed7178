import type { PlacedRow } from './place-rows.js'

/** The columns of a row as {@link encodeCopyRow} writes them. */
export const importColumns =
  'stream_no, version, stream_id, category, type, schema_version, data, headers, event_id, causation_id, correlation_id, created_at'

/** About so many characters make a chunk: few writes, and the server begins before all is encoded. */
const chunkSize = 64 * 1024

/** Writes rows in the text format of COPY, in chunks. */
export function* encodeCopy(rows: readonly PlacedRow[]): Generator<string> {
  let chunk = ''
  for (const row of rows) {
    chunk += encodeCopyRow(row)
    if (chunk.length < chunkSize) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

/** One row as a line: columns end at a tab, the row at a newline, and `\N` is null. */
export function encodeCopyRow({ row, streamNo, version, category, createdAt }: PlacedRow): string {
  const { streamId, type, schemaVersion, data, headers, id, causationId, correlationId } = row
  const stream = `${streamNo}\t${version}\t${text(streamId)}\t${text(category)}`
  const event = `${text(type)}\t${schemaVersion}\t${json(data)}\t${headers === null ? '\\N' : json(headers)}\t${id}`
  return `${stream}\t${event}\t${textOrNull(causationId)}\t${textOrNull(correlationId)}\t${createdAt}\n`
}

const special = /[\\\t\n\r]/
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function text(value: string): string {
  // Most texts hold none, and a test is several times cheaper than a replacement.
  return special.test(value) ? value.replaceAll(/[\\\t\n\r]/g, (each) => escapes[each] as string) : value
}

function textOrNull(value: string | null): string {
  return value === null ? '\\N' : text(value)
}

/** JSON that JSON.stringify wrote holds no control character; only its backslashes mean something here. */
function json(value: string): string {
  return value.includes('\\') ? value.replaceAll('\\', '\\\\') : value
}
