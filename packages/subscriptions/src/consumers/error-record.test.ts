import { InvalidStateError, RillflowError } from '@rillflow/core'
import { expect, test } from 'vitest'
import { errorRecord } from './error-record.js'

test.each([
  ['an error', new TypeError('wrong'), { name: 'TypeError', message: 'wrong' }],
  [
    'one of Rillflow',
    new InvalidStateError('closed'),
    { name: 'InvalidStateError', message: 'closed', code: 'InvalidState' },
  ],
  [
    'one of the driver',
    Object.assign(new Error('no'), { code: '23505' }),
    { name: 'Error', message: 'no', code: '23505' },
  ],
  ['text', 'gone', { name: 'string', message: 'gone' }],
  ['nothing', undefined, { name: 'undefined', message: 'undefined' }],
  ['null', null, { name: 'object', message: 'null' }],
  ['what has no text', Object.create(null), { name: 'object', message: 'something that has no text' }],
])('%s', (_, error, record) => {
  expect(errorRecord(error)).toEqual(record)
})

test('the cause is kept of a failed projection, and of nothing else: a driver’s may hold values', () => {
  const cause = Object.assign(new Error('no'), { code: 'DatabaseError' })
  const failed = new RillflowError('failed', { code: 'ProjectionFailed', cause })
  expect(errorRecord(failed)).toMatchObject({ message: 'failed', cause: { message: 'no', code: 'DatabaseError' } })
  expect(errorRecord(new RillflowError('failed', { code: 'DatabaseError', cause }))).not.toHaveProperty('cause')
})

test('what PostgreSQL cannot hold is replaced, and a long message is cut, also in the middle of a pair', () => {
  expect(errorRecord(new Error('a\0b\uD800c')).message).toBe('a\uFFFDb\uFFFDc')
  const { message } = errorRecord(new Error(`${'x'.repeat(1_999)}😀`))
  expect(message).toHaveLength(2_000)
  expect(message.isWellFormed()).toBe(true)
})
