import { describe, expect, test } from 'vitest'
import { rejectionOf } from '../../../test/scenario/expect-scenario.js'
import { Order, placed } from '../../../test/scenario/order.js'
import { given } from '../given.js'

const ship = Order.commands.ship({ carrier: 'dhl' })

describe('the message of a failure', () => {
  test('tells the scenario and each line that differs', async () => {
    const namedCommand = (order: Parameters<typeof ship>[0]) => [
      ...ship(order),
      { type: 'OrderClosed', data: {} } as const,
    ]
    const failed = given(Order, placed, { id: 'order-1' })
      .when(namedCommand)
      .then([{ type: 'OrderShipped', data: { carrier: 'ups', at: 'noon' } }])

    expect((await rejectionOf(failed)).message).toBe(
      [
        'order: expected OrderShipped, but OrderShipped, OrderClosed came',
        '',
        '  given "order-1" at version 1, after OrderPlaced',
        '  when namedCommand',
        '',
        '- expected',
        '+ actual',
        '',
        '  OrderShipped {',
        '-   "at": "noon",',
        '-   "carrier": "ups"',
        '+   "carrier": "dhl"',
        '  }',
        '+ OrderClosed {}',
      ].join('\n'),
    )
  })

  test('shows metadata that differs', async () => {
    const event = { type: 'OrderClosed', data: 1 } as never
    const failed = given(Order)
      .when([event])
      .then([{ ...(event as object), headers: { user: 'ada' } } as never])

    expect((await rejectionOf(failed)).message).toContain(
      ['- OrderClosed 1 with {', '-   "headers": {', '-     "user": "ada"', '-   }', '- }', '+ OrderClosed 1'].join(
        '\n',
      ),
    )
  })

  test('names a command by its code, in one line, and long histories in short', async () => {
    const history = Array.from({ length: 9 }, () => placed[0])
    const failed = given(Order, history)
      // Longer than a line of the message may be.
      .when((order) =>
        order.status === 'shipped'
          ? []
          : order.lines.map(({ name }) => ({ type: 'OrderClosed', data: { name, total: order.total } })),
      )
      .thenError('NotPlaced')
    const { message } = await rejectionOf(failed)

    expect(message).toContain(
      'at version 9, after OrderPlaced, OrderPlaced, OrderPlaced, OrderPlaced, OrderPlaced, OrderPlaced and 3 more',
    )
    expect(message).toMatch(/\n {2}when \(order\) => .{60,}…$/)
  })

  test('is told with the line of the expectation, and the values for a diff', async () => {
    const happened = given(Order).when(placed)
    const expectation = () => happened.thenState({ id: 'given', status: 'new', total: 0, lines: [] })
    const error = await rejectionOf(expectation())

    expect(error.stack?.split('\n    at ')[1]).toMatch(/^expectation .*expectation-failed\.test\.ts/)
    expect(error.stack).toContain(error.message)
    expect(error).toMatchObject({
      name: 'AssertionError',
      code: 'ERR_ASSERTION',
      operator: 'deepStrictEqual',
      actual: { status: 'placed', total: 9 },
      expected: { status: 'new', total: 0 },
    })
    expect('cause' in error).toBe(false)
  })
})
