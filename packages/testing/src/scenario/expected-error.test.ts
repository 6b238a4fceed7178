import { AssertionError } from 'node:assert'
import { describe, expect, test } from 'vitest'
import { expectFailure, expectMistake, expectToHold, rejectionOf } from '../../test/scenario/expect-scenario.js'
import { NotPlacedError, Order, placed } from '../../test/scenario/order.js'
import type { ExpectedError } from './expected-error.js'
import { given } from './given.js'

const ship = Order.commands.ship({ carrier: 'dhl' })
const shipped = [{ type: 'OrderShipped', data: { carrier: 'dhl' } }] as const

describe('thenError', () => {
  const refused = given(Order).when(ship)

  test.each<[string, ExpectedError]>([
    ['its class', NotPlacedError],
    ['a class above it', Error],
    ['its code', 'NotPlaced'],
    ['a pattern of its message', /must be placed/g],
    ['properties', { code: 'NotPlaced', status: 'new' }],
    ['a pattern in its properties', { message: /^The order/ }],
    ['an error like it', new NotPlacedError('new')],
    ['a check', (error) => expect(error).toBeInstanceOf(NotPlacedError)],
    ['a check that answers', (error) => error instanceof NotPlacedError],
    ['an asynchronous check', async (reason) => await Promise.resolve(reason instanceof NotPlacedError)],
  ])('takes %s, again and again', async (_, expected) => {
    await expectToHold(refused.thenError(expected))
    await expectToHold(refused.thenError(expected))
  })

  test.each<[string, ExpectedError, string]>([
    ['another class', RangeError, 'expected an instance of RangeError'],
    ['another code', 'Placed', 'expected an error with the code Placed'],
    ['another message', /^must/, 'expected an error whose message fits /^must/'],
    [
      'a property',
      { code: 'NotPlaced', status: 'placed' },
      "expected an error with { code: 'NotPlaced', status: 'placed' }",
    ],
    ['a pattern', { status: /placed/ }, 'expected an error with { status: /placed/ }'],
    ['an error unlike it', new NotPlacedError('closed'), 'expected an error with { name: '],
    ['a check', () => false, 'expected an error that the check accepts'],
    ['an asynchronous check', async () => Promise.resolve(false), 'expected an error that the check accepts'],
  ])('fails for %s', async (_, expected, message) => {
    const error = await rejectionOf(refused.thenError(expected))
    expect(error).toBeInstanceOf(AssertionError)
    expect(error.message).toContain(message)
    expect(error.message).toContain(', but the command threw NotPlacedError (NotPlaced): The order is new')
    expect(error).toMatchObject({ cause: expect.any(NotPlacedError), operator: 'throws' })
  })

  test('fails when there was none', async () => {
    await expectFailure(
      given(Order, placed).when(ship).thenError('NotPlaced'),
      'expected an error with the code NotPlaced, but OrderShipped came',
    )
    await expectFailure(given(Order).when([]).thenError(Error), 'expected an instance of Error, but nothing happened')
  })

  test('lets the error of a check out as it is', async () => {
    const own = new Error('own')
    await expect(
      refused.thenError(() => {
        throw own
      }),
    ).rejects.toBe(own)
  })

  test.each([undefined, null, 7, {}])('refuses %o, which says nothing of the error', async (expected) => {
    await expectMistake(refused.thenError(expected as never), 'thenError() needs to know the error')
    await expectMistake(
      given(Order)
        .when([])
        .thenError(expected as never),
      'thenError() needs to know the error',
    )
  })

  test('takes what is thrown though it is no error', async () => {
    const odd: unknown = 'odd'
    const thrown = given(Order).when(() => {
      throw odd
    })
    await thrown.thenError(/odd/)
    await thrown.thenError((error) => error === 'odd')
    await expectFailure(thrown.thenError(Error), "the command threw 'odd', which is no Error")
    await expectFailure(
      given(Order)
        .when(async () => Promise.reject(undefined))
        .thenNothing(),
      'threw undefined, which is no Error',
    )
  })

  test.each<[string, readonly unknown[], string, string]>([
    [
      'that do not fit',
      [{ type: 'OrderPlaced', data: {} }],
      'ValidationFailed',
      'the store would refuse the event: RefusedError (ValidationFailed): event OrderPlaced does not fit its schema: total:',
    ],
    ['of no family', [{ type: 'OrderPaid', data: {} }], 'UnknownEventType', 'order has no event OrderPaid'],
    [
      'that JSON cannot hold',
      [{ type: 'OrderClosed', data: { total: NaN } }],
      'UnstorableValue',
      'data of event OrderClosed: $.total is NaN',
    ],
    ['that are none', [null], 'InvalidArgument', 'must be an object with a type'],
  ])('is about events %s as well', async (_, events, code, message) => {
    const happened = given(Order, placed).when(() => events as typeof shipped)
    await happened.thenError(code)
    await expectFailure(happened.thenNothing(), message)
  })

  test('is about the state that a validator refuses, which is the one after the new events', async () => {
    const happened = given(Order).when(Order.commands.place(1001))
    await happened.thenError(RangeError)
    await expectFailure(happened.then(placed), 'but validate threw RangeError: no order is over 1000')
    // A state of the past is what it is.
    await given(Order, [{ type: 'OrderPlaced', data: { total: 1001 } }])
      .when([])
      .thenNothing()
  })
})
