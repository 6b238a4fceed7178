import { expect, test } from 'vitest'
import { checkText } from './check-text.js'

test.each(['a', ' ', '\u0001', '__proto__', '😀', 'x'.repeat(1_000), 'é'.repeat(500), '€'.repeat(333)])(
  '%j fits',
  (text) => {
    expect(() => checkText('streamId', text)).not.toThrow()
  },
)

test.each([
  '',
  'a\0',
  '\uD800',
  '\uDC00\uD800',
  'x'.repeat(1_001),
  'é'.repeat(501),
  '€'.repeat(334),
  1,
  null,
  undefined,
  ['a'],
  {},
])('%j is refused', (text) => {
  expect(() => checkText('streamId', text)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'streamId' }) as Error,
  )
})

test('the message does not repeat what was given', () => {
  expect(() => checkText('streamId', 'secret\0')).toThrow(/^(?!.*secret)/)
})
