import { expect, test } from 'vitest'
import { parseExport, type ExportedEvent } from './parse-export.js'

const header = '{"export":"rillflow-events","format":1}\n'
const event = (version: number): string =>
  `{"position":9,"streamId":"s","category":"c","version":${version},"type":"T","schemaVersion":1,"id":"i","createdAt":"now","data":{"a":[1]}}\n`
const end = (events: number): string => `{"end":true,"events":${events},"head":9}\n`

async function parse(...pieces: readonly string[]): Promise<readonly ExportedEvent[]> {
  const events: ExportedEvent[] = []
  for await (const each of parseExport(pieces)) events.push(each)
  return events
}

test('gives every field of an event but its position', async () => {
  expect(await parse(header, event(1), end(1))).toEqual([
    {
      streamId: 's',
      category: 'c',
      version: 1,
      type: 'T',
      schemaVersion: 1,
      id: 'i',
      createdAt: 'now',
      data: { a: [1] },
    },
  ])
})

test('takes several exports one after the other, and an empty one', async () => {
  expect(await parse(header, end(0))).toEqual([])
  const two = await parse(header, event(1), end(1), header, end(0), header, event(2), event(3), end(2))
  expect(two.map(({ version }) => version)).toEqual([1, 2, 3])
})

test.each<[string, number, string]>([
  ['', 1, 'cut short'],
  [header, 2, 'cut short'],
  [header + event(1), 3, 'cut short'],
  [event(1) + end(1), 1, 'begins with'],
  ['{"streamId":"s"}\n', 1, 'begins with'],
  ['{"export":"rillflow-events","format":2}\n', 1, 'has the format 2'],
  ['{"export":"rillflow-events"}\n', 1, 'has the format undefined'],
  [header + event(1) + end(2), 3, 'should hold 2 events and holds 1'],
  [header + event(1) + event(2) + end(1), 4, 'should hold 1 events and holds 2'],
  [`${header}[1]\n`, 2, 'no JSON object'],
  [`${header}null\n`, 2, 'no JSON object'],
  [`${header}{"canary-77`, 2, 'not JSON'],
  [header + event(1).replace('"version":1,', ''), 2, 'no version'],
  [header + event(1).replace(',"data":{"a":[1]}', ''), 2, 'no data'],
])('%j is refused on line %d', async (text, line, what) => {
  const error: unknown = await parse(text).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'MalformedExport', line })
  expect(String(error)).toContain(what)
  expect(String(error)).not.toContain('canary-77')
})
