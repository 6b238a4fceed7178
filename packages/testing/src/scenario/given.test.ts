import { describe, expect, test, vi } from 'vitest'
import { expectFailure, expectMistake, expectToHold } from '../../test/scenario/expect-scenario.js'
import { Order, placed, type OrderState } from '../../test/scenario/order.js'
import type { AggregateShape } from './aggregate-shape.js'
import { given } from './given.js'
import { ScenarioError } from './scenario-error.js'

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
      .when(() => [closed])
      .thenState((order) => expect(order).toEqual({ id: 'order-1', status: 'placed', total: 9, lines: [] }))
    const event = { type: 'OrderClosed', data: { by: 'ada' }, streamId: 'order-1' }
    expect(seen).toEqual([1, 3, 4].map((version) => ({ ...event, version })))
  })

  test('tells the command where the stream stands, and the validator where it would', async () => {
    const places: unknown[] = []
    const Placed = { ...Order, validate: (_: unknown, place: unknown) => void places.push(place) }

    await given(Placed)
      .when((_, place) => (places.push(place), []))
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
    const events = [...placed, ...shipped] as const
    await given(Watched, [...events, { type: 'OrderClosed', data: { zero: -0 } }])
      .when([])
      .thenNothing()

    expect(data).toStrictEqual([{ total: 9, currency: 'EUR' }, { carrier: 'dhl' }, { zero: 0 }])
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
    ['without data', Order, [{ type: 'OrderClosed' }], /data of event OrderClosed: \$ is undefined/],
    [
      'that JSON cannot hold',
      Order,
      [{ type: 'OrderClosed', data: { by: [new Map()] } }],
      /data of event OrderClosed: \$\.by\[0\] is an instance of Map/,
    ],
    [
      'that JSON would change',
      Order,
      [...placed, { type: 'OrderShipped', data: { carrier: 'dhl', at: undefined } }],
      /^given order, event 2 of 2: data of event OrderShipped: \$\.at is undefined: leave the property out, or store null\.$/,
    ],
    ['of an id that is none', Order, [{ ...placed[0], id: 'x' }], /id of an event must be a UUID/],
    [
      'that could not have been stored, though the aggregate skips what it does not know',
      { ...Order, unknownEvents: 'skip' },
      [{ type: 'OrderAudited', data: { at: new Date(0) } }],
      /data of event OrderAudited: \$\.at is a Date/,
    ],
    ['that are none, though it does', { ...Order, unknownEvents: 'skip' }, [null], /must be an object with a type/],
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

  test.each([placed[0], null, 'OrderPlaced', {}])('refuses %j, which is no list', (events) => {
    expect(() => given(Order, events as unknown as [])).toThrow(ScenarioError)
    expect(() => given(Order, events as unknown as [])).toThrow('given() takes a list of events')
  })
})

describe('when', () => {
  test('takes a list as a decision, and a promise of one', async () => {
    await expectToHold(
      given(Order, placed)
        .when(() => shipped)
        .then(shipped),
    )
    await expectToHold(
      given(Order, placed)
        .when(async () => Promise.resolve(shipped))
        .then(shipped),
    )
    await expectToHold(
      given(Order, placed)
        .when(async () => Promise.resolve([]))
        .thenNothing(),
    )
  })

  test.each<[string, () => unknown]>([
    ['one event', () => shipped[0]],
    ['a promise of one event', async () => Promise.resolve(shipped[0])],
    ['undefined', () => undefined],
    ['a promise of undefined', async () => Promise.resolve(undefined)],
    ['null', () => null],
    ['what only looks like a list', () => ({ 0: shipped[0], length: 1 })],
    ['a set of events', () => new Set(shipped)],
  ])('refuses %s as a decision, as the store does', async (_, decide) => {
    const happened = given(Order, placed).when(decide as () => [])
    await expectToHold(happened.thenError({ code: 'InvalidArgument', argument: 'decide' }))
    const refused =
      /the store would refuse the decision: .*The decision on order gave no list of events; give \[\] when/
    await expectFailure(happened.then(shipped), refused)
    await expectFailure(happened.thenNothing(), refused)
    await expectFailure(happened.thenState({ id: 'given', status: 'placed', total: 9, lines: [] }), refused)
  })

  test.each<[string, unknown]>([
    ['one event', shipped[0]],
    ['undefined', undefined],
    ['a promise', Promise.resolve(shipped)],
  ])('refuses %s in place of what happens', (_, action) => {
    const scenario = given(Order, placed)
    expect(() => scenario.when(action as [])).toThrow(ScenarioError)
    expect(() => scenario.when(action as [])).toThrow('when() takes a command with its input, or a list of events')
  })

  test.each([[null], [undefined], ['OrderShipped'], [{ data: {} }]])('refuses %j among the events', async (event) => {
    const refused = { code: 'InvalidArgument', argument: 'events' }
    for (const action of [[event], () => [event]]) {
      const happened = given(Order, placed).when(action as [])
      await expectToHold(happened.thenError(refused))
      await expectFailure(happened.thenNothing(), /An event must be an object with a type/)
    }
  })

  test('takes events only as the store would, whatever is expected', async () => {
    const undated = { type: 'OrderShipped', data: { carrier: 'dhl', at: undefined } } as const
    const dated = { type: 'OrderShipped', data: { carrier: 'dhl', at: new Date(0) } } as const
    for (const event of [undated, dated]) {
      for (const action of [[event], () => [event], async () => Promise.resolve([event])]) {
        const happened = given(Order, placed).when(action)
        await expectToHold(happened.thenError({ code: 'UnstorableValue', path: ['at'] }))
        await expectFailure(happened.then([event]), 'the store would refuse the event: RefusedError (UnstorableValue)')
      }
    }
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
