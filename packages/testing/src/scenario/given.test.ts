import { describe, expect, test, vi } from 'vitest'
import { expectMistake, expectToHold } from '../../test/scenario/expect-scenario.js'
import { Order, placed, type OrderState } from '../../test/scenario/order.js'
import type { AggregateShape } from './aggregate-shape.js'
import { given } from './given.js'

const ship = Order.commands.ship({ carrier: 'dhl' })
const shipped = [{ type: 'OrderShipped', data: { carrier: 'dhl' } }] as const

describe('given', () => {
  test('folds its events with versions from 1 on, under the id of the stream', async () => {
    const seen: unknown[] = []
    const Watched = { ...Order, evolve: { ...Order.evolve, OrderClosed: watch } }
    function watch(order: ReturnType<typeof Order.initial>, event: unknown) {
      seen.push(event)
      return order
    }
    const closed = { type: 'OrderClosed', data: { by: 'ada' } } as const

    await given(Watched, [closed, ...placed, closed], { id: 'order-1' })
      .when(() => closed)
      .thenState((order) => expect(order).toEqual({ id: 'order-1', status: 'placed', total: 9, lines: [] }))
    const event = { type: 'OrderClosed', data: { by: 'ada' }, streamId: 'order-1' }
    expect(seen).toEqual([1, 3, 4].map((version) => ({ ...event, version })))
  })

  test('tells the command where the stream stands, and the validator where it would', async () => {
    const places: unknown[] = []
    const Placed = { ...Order, validate: (_: unknown, place: unknown) => void places.push(place) }

    await given(Placed)
      .when((_, place) => void places.push(place))
      .thenNothing()
    await given(Placed, placed, { id: 'o' })
      .when((_, place) => (places.push(place), shipped))
      .then(shipped)
    expect(places).toEqual([
      { id: 'given', version: 0, exists: false },
      { id: 'o', version: 1, exists: true },
      { id: 'o', version: 2, exists: true },
    ])
  })

  test('takes the events as they are read back: defaults applied, and through JSON', async () => {
    const at = new Date(0)
    const data: unknown[] = []
    const Watched = {
      ...Order,
      evolve: Object.fromEntries(
        Object.keys(Order.evolve).map((type) => [
          type,
          (_: unknown, event: { data: unknown }) => data.push(event.data),
        ]),
      ),
    }
    const events = [...placed, { type: 'OrderShipped', data: { carrier: 'dhl', at } }] as const
    await given(Watched, [...events, { type: 'OrderClosed', data: { left: undefined, zero: -0 } }])
      .when([])
      .thenNothing()

    expect(data).toStrictEqual([{ total: 9, currency: 'EUR' }, { carrier: 'dhl', at: at.toISOString() }, { zero: 0 }])
    // What the test holds is the test's.
    expect(Object.isFrozen(events[1].data)).toBe(false)
  })

  test('freezes states and events, however deep', async () => {
    const lines = [{ name: 'pen' }]
    const Frozen = { ...Order, initial: (id: string) => ({ ...Order.initial(id), lines }) }
    const write = (order: { lines: readonly { name: string }[] }) => {
      for (const line of order.lines) line.name = 'ink'
      return []
    }

    // A state of its own, of which nothing was in the one before.
    const listed = (order: OrderState): OrderState => ({ ...order, lines: [{ name: 'pen' }] })

    await given(Frozen).when(write).thenError(TypeError)
    await given({ ...Order, evolve: { ...Order.evolve, OrderPlaced: listed } }, placed)
      .when(write)
      .thenError(TypeError)
    const Changing = {
      ...Order,
      evolve: {
        ...Order.evolve,
        OrderShipped: (order: never, event: { data: { carrier: string } }) => ((event.data.carrier = ''), order),
      },
    }
    await given(Changing, placed)
      .when(ship)
      .thenError((error) => expect(error).toMatchObject({ code: 'EvolveFailed', cause: expect.any(TypeError) }))
  })

  test.each<[string, AggregateShape, readonly unknown[], RegExp]>([
    [
      'that do not fit their schema',
      Order,
      [...placed, { type: 'OrderPlaced', data: { total: '9' } }],
      /^given order, event 2 of 2: event OrderPlaced does not fit its schema: total: .*number/,
    ],
    [
      'that no family has',
      Order,
      [{ type: 'toString', data: {} }],
      /order has no event toString; it has OrderPlaced, OrderShipped, OrderClosed/,
    ],
    ['without data', Order, [{ type: 'OrderClosed' }], /OrderClosed has no data/],
    [
      'that JSON cannot hold',
      Order,
      [{ type: 'OrderClosed', data: { by: [new Map()] } }],
      /\$\.by\[0\] is an instance of Map/,
    ],
    ['that are none', Order, ['OrderClosed'], /must be an object with a type/],
    [
      'that cannot be folded',
      { ...Order, evolve: {} },
      placed,
      /evolve of order for OrderPlaced, version 1, is missing/,
    ],
    ['that fold to nothing', { ...Order, evolve: { OrderPlaced: () => undefined } }, placed, /returned nothing/],
    [
      'whose fold throws',
      {
        ...Order,
        evolve: {
          OrderPlaced: () => {
            throw new Error('odd')
          },
        },
      },
      placed,
      /threw: odd/,
    ],
  ])('refuses events %s, whatever is expected', async (_, aggregate, events, message) => {
    const scenario = given(aggregate, events as [])
    await expectMistake(scenario.when([]).thenError(/./), message)
    await expectMistake(scenario.when([]).thenNothing(), message)
  })

  test('skips what it does not know where the policy is so, and counts it', async () => {
    const Skipping = { ...Order, unknownEvents: 'skip' } as const
    const past = [...placed, { type: 'OrderAudited', data: 1 }] as const

    const happened = given(Skipping, past as unknown as typeof placed).when((order, { version }) =>
      version === 2 && order.status === 'placed' ? shipped : [],
    )
    await expectToHold(happened.then(shipped))
  })
})

describe('when', () => {
  test.each<[string, () => unknown]>([
    ['a list', () => shipped],
    ['one event', () => shipped[0]],
    ['a promise of a list', async () => Promise.resolve(shipped)],
    ['a promise of one event', async () => Promise.resolve(shipped[0])],
  ])('takes %s as a decision', async (_, decide) => {
    const happened = given(Order, placed).when(decide as () => [])
    await expectToHold(happened.then(shipped))
  })

  test.each<[string, () => unknown]>([
    ['an empty list', () => []],
    ['undefined', () => undefined],
    ['a promise of undefined', async () => Promise.resolve(undefined)],
  ])('takes %s as no event', async (_, decide) => {
    const happened = given(Order, placed).when(decide as () => [])
    await expectToHold(happened.thenNothing())
  })

  test('takes a command with its input', async () => {
    const place = Order.commands.place(9)
    await expectToHold(given(Order).when(place).then(placed))
    await expectToHold(given(Order, placed).when(place).thenNothing())
  })

  test('takes events without a command', async () => {
    const happened = given(Order).when(placed)
    await expectToHold(happened.then(placed))
    await expectToHold(happened.thenState({ id: 'given', status: 'placed', total: 9, lines: [] }))
  })

  test('runs nothing before an expectation, and the command once for several', async () => {
    const decide = vi.fn<() => typeof shipped>(() => shipped)
    const happened = given(Order, placed).when(decide)
    expect(decide).not.toHaveBeenCalled()

    await Promise.all([happened.then(shipped), happened.thenState((order) => expect(order.status).toBe('shipped'))])
    expect(decide).toHaveBeenCalledOnce()
  })
})
