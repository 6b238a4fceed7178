import { expect, test } from 'vitest'
import { storedMetadata } from './stored-metadata.js'

const closed = { type: 'OrderClosed', data: {} }

function metadataOf(metadata: object): unknown {
  return storedMetadata({ ...closed, ...metadata })
}

test('is what an event is stored with besides type and data', () => {
  const metadata = {
    id: '018F3C5E-0000-7000-8000-000000000001',
    headers: Object.assign(Object.create(null) as object, { user: 'ada', zero: -0 }),
    causationId: 'c',
    correlationId: '😀'.repeat(250),
  }
  expect(metadataOf({ ...metadata, note: 'no part of an event' })).toStrictEqual({
    ...metadata,
    headers: { user: 'ada', zero: 0 },
  })
  expect(metadataOf({ id: undefined, headers: undefined, causationId: undefined, correlationId: null })).toEqual({
    correlationId: null,
  })
})

test.each([
  ['id', '', 'a UUID'],
  ['id', null, 'a UUID'],
  ['id', '018f3c5e-0000-7000-8000-00000000000g', 'a UUID'],
  ['id', ['018f3c5e-0000-7000-8000-000000000001'], 'a UUID'],
  ['headers', null, 'an object'],
  ['headers', ['a'], 'an object'],
  ['headers', 'text', 'an object'],
  ['causationId', '', 'a non-empty string'],
  ['correlationId', 7, 'a non-empty string'],
  ['causationId', 'a\0', 'NUL'],
  ['correlationId', '\uD800', 'lone surrogate'],
  ['causationId', `${'é'.repeat(500)}x`, 'at most 1000 bytes'],
])('%s %j is refused', (argument, value, message) => {
  expect(() => metadataOf({ [argument]: value })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument, message: expect.stringContaining(message) }),
  )
})

test.each<[unknown, readonly (string | number)[]]>([
  [{ a: [{ b: undefined }] }, ['a', 0, 'b']],
  [new Map([['a', 1]]), []],
  [new Date(0), []],
])('headers %o are refused with the path', (headers, path) => {
  expect(() => metadataOf({ headers })).toThrow(
    expect.objectContaining({ code: 'UnstorableValue', path, message: expect.stringMatching(/^headers of event/) }),
  )
})
