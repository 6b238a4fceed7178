import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCopy, encodeCopyRow } from './encode-copy.js'
import type { PlacedRow } from './place-rows.js'

function placed(parts: Partial<PlacedRow['row']>): PlacedRow {
  const row = {
    streamId: 's',
    category: 'c',
    version: undefined,
    type: 't',
    schemaVersion: 1,
    data: '{}',
    createdAt: null,
  }
  const rest = { headers: null, id: 'i', causationId: null, correlationId: null }
  return { row: { ...row, ...rest, ...parts }, streamNo: '7', version: 1, category: 'c', createdAt: 'now' }
}

/** What the documentation of COPY says of the text format, for the escapes that may be written. */
function decode(line: string): (string | null)[] {
  const named: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' }
  const columns = line.slice(0, -1).split('\t')
  return columns.map((text) =>
    text === '\\N' ? null : text.replaceAll(/\\(.)/gs, (_, each: string) => named[each] ?? '?'),
  )
}

test('any text and any JSON come out of COPY as they went in', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\\N', '\\.', '\\', '\\\\', '\\n', '\t', '\n', '\r\n', ''),
  )
  const json = fc.jsonValue({ stringUnit: 'binary' }).map((value) => JSON.stringify(value))
  fc.assert(
    fc.property(text, text, json, fc.option(text), (streamId, type, data, causationId) => {
      const line = encodeCopyRow(placed({ streamId, type, data, causationId }))
      expect(line.indexOf('\n')).toBe(line.length - 1)
      const columns = decode(line)
      expect(columns).toHaveLength(12)
      expect([columns[2], columns[4], columns[6], columns[9]]).toEqual([streamId, type, data, causationId])
    }),
    { numRuns: 1_000 },
  )
})

test('chunks hold all rows, in order', () => {
  const rows = Array.from({ length: 5_000 }, (_, n) => placed({ data: `{"n":${n}}` }))
  const chunks = [...encodeCopy(rows)]
  expect(chunks.length).toBeGreaterThan(2)
  expect(chunks.join('')).toBe(rows.map(encodeCopyRow).join(''))
  expect([...encodeCopy([])]).toEqual([])
})
