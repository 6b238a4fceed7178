import { ConnectionLostError, DeadlockError, InvalidStateError, PoolTimeoutError, RillflowError } from '@rillflow/core'
import { expect, test } from 'vitest'
import { LeaseLostError } from '../errors.js'
import { isTransient, mayPass } from './is-transient.js'

const circle = new Error('circle')
circle.cause = circle
const deep = [1, 2, 3, 4, 5].reduce<Error>(
  (cause) => new Error('outer', { cause }),
  new ConnectionLostError('lost', undefined),
)

test.each([
  ['a lost connection', new ConnectionLostError('lost', undefined), true],
  ['no connection in time', new PoolTimeoutError('none', undefined), true],
  ['a lost lease', new LeaseLostError('subscription "x"'), true],
  ['one that is wrapped', new Error('outer', { cause: new Error('inner', { cause: new LeaseLostError('x') }) }), true],
  ['one that is wrapped too deep', deep, false],
  ['an error of the handler', new Error('no'), false],
  ['one that looks like it', Object.assign(new Error('no'), { code: 'ConnectionLost' }), false],
  ['a deadlock, which its event may bring about', new DeadlockError('no', undefined), false],
  ['a mistake', new InvalidStateError('no'), false],
  ['a circle', circle, false],
  ['nothing', undefined, false],
  ['text', 'ConnectionLost', false],
])('%s', (_, error, expected) => {
  expect(isTransient(error)).toBe(expected)
})

test('a statement of the worker itself is sent again whenever that may help', () => {
  expect(mayPass(new DeadlockError('no', undefined))).toBe(true)
  expect(mayPass(new ConnectionLostError('lost', undefined))).toBe(true)
  expect(mayPass(new RillflowError('no', { code: 'DatabaseError' }))).toBe(false)
  expect(mayPass(new Error('no'))).toBe(false)
})
