import { AssertionError } from 'node:assert'
import { describe, expect, test, vi } from 'vitest'
import { expectFailure, expectMistake, expectToHold, rejectionOf } from '../../test/scenario/expect-scenario.js'
import { NotPlacedError, Order, placed } from '../../test/scenario/order.js'
import { given } from './given.js'
import { ScenarioError } from './scenario-error.js'

const ship = Order.commands.ship({ carrier: 'dhl' })
const shipped = [{ type: 'OrderShipped', data: { carrier: 'dhl' } }] as const

describe('then', () => {
  test('compares as JSON does, after defaults', async () => {
    const at = new Date(0)
    const decide = () => [{ type: 'OrderShipped', data: { at: at.toISOString(), carrier: 'dhl' } }, ...placed] as const
    const happened = given(Order).when(decide)
    for (const expected of [at, at.toISOString()]) {
      await expectToHold(
        happened.then([
          { type: 'OrderShipped', data: { carrier: 'dhl', at: expected } },
          { type: 'OrderPlaced', data: { currency: 'EUR', total: 9 } },
        ]),
      )
    }
    const undated = given(Order).when(() => shipped)
    await expectToHold(undated.then([{ type: 'OrderShipped', data: { carrier: 'dhl', at: undefined } }]))
  })

  test.each<[string, readonly unknown[], string]>([
    [
      'other data',
      [{ type: 'OrderShipped', data: { carrier: 'ups' } }],
      'OrderShipped came as expected, but not with what was expected in it',
    ],
    [
      'another type',
      [{ type: 'OrderClosed', data: { carrier: 'dhl' } }],
      'expected OrderClosed, but OrderShipped came',
    ],
    ['one more', [...shipped, ...shipped], 'expected OrderShipped, OrderShipped, but OrderShipped came'],
    ['another order', [...placed, ...shipped], 'expected OrderPlaced, OrderShipped, but OrderShipped came'],
  ])('fails for %s', async (_, expected, message) => {
    await expectFailure(
      given(Order, placed)
        .when(ship)
        .then(expected as typeof shipped),
      `order: ${message}`,
    )
  })

  test('looks at metadata where the expectation names it', async () => {
    const headers = { user: 'ada' }
    const id = '018f3c5e-0000-7000-8000-000000000001'
    const happened = given(Order, placed).when(() => [{ ...shipped[0], headers, id }])

    await happened.then(shipped)
    await happened.then([{ ...shipped[0], headers: { user: 'ada' }, id: undefined }])
    await expectFailure(happened.then([{ ...shipped[0], headers: { user: 'bob' } }]), /- {3}"headers"[^]*bob|bob/)
    await expectFailure(happened.then([{ ...shipped[0], correlationId: 'c' }]), 'not with what was expected in it')
  })

  test('fails with the error when the command throws', async () => {
    const error = await rejectionOf(given(Order).when(ship).then(shipped))
    expect(error).toBeInstanceOf(AssertionError)
    expect(error.message).toContain(
      'order: expected OrderShipped, but the command threw NotPlacedError (NotPlaced): The order is new, and must be placed first.',
    )
    expect(error).toMatchObject({ cause: expect.any(NotPlacedError), expected: shipped, operator: 'deepStrictEqual' })
  })

  test('refuses expectations that are none', async () => {
    const happened = given(Order, placed).when(ship)
    await expectMistake(happened.then([]), 'write thenNothing()')
    await expectMistake(happened.then(shipped[0] as unknown as typeof shipped), 'then([{ type, data }])')
    await expectMistake(
      happened.then([{ type: 'OrderPaid', data: {} }] as unknown as typeof shipped),
      /expected event 1: order has no event OrderPaid/,
    )
    const wrong = [...shipped, { type: 'OrderPlaced', data: { total: '' } }] as unknown as typeof shipped
    await expectMistake(happened.then(wrong), /expected event 2: event OrderPlaced does not fit/)
  })
})

describe('a scenario without an expectation', () => {
  // As a program without types sees it: with them, neither of these compiles.
  const unfinished = (): PromiseLike<unknown> =>
    given(Order, placed).when(() => expect.unreachable('nothing is run')) as unknown as PromiseLike<unknown>

  test.each<[string, () => Promise<unknown>]>([
    ['awaited', async () => await unfinished()],
    ['returned from an asynchronous function', async () => unfinished()],
    ['one of several', () => Promise.all([unfinished(), unfinished()])],
    ['made a promise', () => Promise.resolve(unfinished())],
    ['given a callback', () => unfinished().then(() => undefined) as Promise<unknown>],
  ])('rejects when it is %s', async (_, use) => {
    const error = await rejectionOf(use())
    expect(error).toBeInstanceOf(ScenarioError)
    expect(error.message).toContain(
      'Write one after it: .then([events]), .thenNothing(), .thenState(…) or .thenError(…).',
    )
    // Its own stack would only show the machinery of promises.
    expect(error.stack).toMatch(/unfinished.*expectations\.test\.ts/)
  })
})

describe('thenNothing', () => {
  test('fails when an event came', async () => {
    await expectFailure(
      given(Order, placed).when(ship).thenNothing(),
      /expected no event, but OrderShipped came[^]*\n\+ OrderShipped \{/,
    )
  })

  test('fails when the command threw', async () => {
    await expectFailure(
      given(Order).when(ship).thenNothing(),
      'expected no event, but the command threw NotPlacedError',
    )
  })
})

describe('thenState', () => {
  const happened = given(Order, placed).when(ship)
  const state = { lines: [], total: 9, status: 'shipped', id: 'given' } as const

  test('compares the whole state after the new events', async () => {
    await happened.thenState(state)
    await given(Order, placed)
      .when([])
      .thenState({ ...state, status: 'placed' })
    await expectFailure(
      happened.thenState({ ...state, total: 8 }),
      /the state is not the expected one[^]*\n- {3}"total": 8\n\+ {3}"total": 9/,
    )
  })

  test('takes a check, whose own error comes out as it is, and false as a refusal', async () => {
    await happened.thenState((order) => expect(order).toEqual(state))
    await happened.thenState(async (order) => Promise.resolve(order.total === 9))
    const own = new Error('own')
    await expect(
      happened.thenState(() => {
        throw own
      }),
    ).rejects.toBe(own)
    await expect(happened.thenState(() => Promise.reject(own))).rejects.toBe(own)
    await expectFailure(
      happened.thenState((order) => order.total === 8),
      'the check of the state answered false',
    )
    await expectFailure(
      happened.thenState(async () => Promise.resolve(false)),
      'the check of the state answered false',
    )
  })

  test('does not look when the command threw', async () => {
    const check = vi.fn<() => void>()
    await expectFailure(
      given(Order).when(ship).thenState(check),
      'expected a state, but the command threw NotPlacedError',
    )
    expect(check).not.toHaveBeenCalled()
  })

  test('says so when JSON would hide a difference', async () => {
    const Mapped = { ...Order, initial: () => ({ lines: new Map([['pen', 1]]) }), evolve: {} }
    await expectMistake(
      given(Mapped).when([]).thenState({ lines: new Map() }),
      /\$\.lines is an instance of Map.*thenState\(\(state\)/,
    )
    await given(Mapped)
      .when([])
      .thenState(({ lines }) => expect(lines.get('pen')).toBe(1))
  })
})
