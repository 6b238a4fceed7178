import { given } from '../../src/index.js'
import type { AggregateShape, EventOf, StateOf } from '../../src/index.js'
import { expectTypeOf } from 'vitest'
import { NotPlacedError, Order, placed, type OrderState } from './order.js'

// An aggregate's own types, without a word of the user's.
expectTypeOf<StateOf<typeof Order>>().toEqualTypeOf<OrderState>()
expectTypeOf<EventOf<typeof Order>['type']>().toEqualTypeOf<'OrderPlaced' | 'OrderShipped' | 'OrderClosed'>()
expectTypeOf(given(Order).when([]).then(placed)).toEqualTypeOf<Promise<void>>()

// What may be written: the input of the schemas, metadata too, and options spelled out as undefined.
void given(Order, placed, { id: undefined })
  .when(Order.commands.ship({ carrier: 'dhl' }))
  .thenNothing()
void given(Order, [{ type: 'OrderPlaced', data: { total: 1, currency: 'USD' }, headers: { user: 'ada' } }])
void given(Order)
  .when((order, place) => {
    expectTypeOf(order).toEqualTypeOf<OrderState>()
    expectTypeOf(place.version).toEqualTypeOf<number>()
    return [{ type: 'OrderShipped', data: { carrier: 'dhl' } }]
  })
  .then([{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
void given(Order).when(() => [])
void given(Order).when(async (order) => (order.total > 0 ? [{ type: 'OrderShipped', data: { carrier: 'dhl' } }] : []))
void given(Order)
  .when([])
  .thenState((order) => expectTypeOf(order).toEqualTypeOf<OrderState>())
void given(Order).when([]).thenState({ id: 'given', status: 'new', total: 0, lines: [] })
for (const expected of [
  NotPlacedError,
  'NotPlaced',
  /placed/,
  { code: 'NotPlaced' },
  () => {},
  (error: unknown) => error === null,
]) {
  void given(Order).when([]).thenError(expected)
}

// And what may not.
// @ts-expect-error: no such event
given(Order, [{ type: 'OrderPaid', data: {} }])
// @ts-expect-error: wrong data
given(Order, [{ type: 'OrderPlaced', data: { total: '9' } }])
// @ts-expect-error: data of another type, for type and data are a pair
given(Order, [{ type: 'OrderPlaced', data: { carrier: 'dhl' } }])
// @ts-expect-error: missing data
given(Order, [{ type: 'OrderPlaced' }])
// @ts-expect-error: one event is no list
given(Order, { type: 'OrderPlaced', data: { total: 1 } })
// @ts-expect-error: no such option
given(Order, placed, { streamId: 'order-1' })
// @ts-expect-error: no aggregate
given({ name: 'order' }, [])
const order = given(Order)
// @ts-expect-error: no such event
order.when([{ type: 'OrderPaid', data: {} }])
// @ts-expect-error: a decision on wrong data
order.when(() => [{ type: 'OrderShipped', data: { carrier: 1 } }])
// @ts-expect-error: a decision of another aggregate's state
order.when((counter: { readonly count: number }) => (counter.count > 0 ? [] : []))
// @ts-expect-error: one event is no decision
order.when(() => ({ type: 'OrderClosed', data: {} }))
// @ts-expect-error: nor a promise of one
order.when(async () => ({ type: 'OrderClosed', data: {} }))
// @ts-expect-error: nor undefined
order.when(() => undefined)
// @ts-expect-error: nor nothing
order.when(() => {})
// @ts-expect-error: nor a promise of undefined
order.when(async () => undefined)
// @ts-expect-error: nor undefined at times
order.when(({ total }) => (total > 0 ? [{ type: 'OrderClosed', data: {} }] : undefined))
// @ts-expect-error: a command that was not given its input
order.when(Order.commands.ship)

const nothing = order.when([])
// @ts-expect-error: no such event
void nothing.then([{ type: 'OrderPaid', data: {} }])
// @ts-expect-error: wrong data
void nothing.then([{ type: 'OrderPlaced', data: { total: '9' } }])
// @ts-expect-error: a promise's callback is no expectation
void nothing.then(() => {})
// @ts-expect-error: a part of a state is no state
void nothing.thenState({ status: 'placed' })
// @ts-expect-error: no such status
void nothing.thenState({ id: 'given', status: 'gone', total: 0, lines: [] })
// @ts-expect-error: a state does not change
void nothing.thenState((state) => (state.total = 1))
// @ts-expect-error: an expectation needs to know the error
void nothing.thenError()
// @ts-expect-error: nor is it a number
void nothing.thenError(404)

// There is nothing to await without an expectation.
expectTypeOf<Awaited<typeof nothing>>().toBeNever()
// @ts-expect-error: nor to return from an asynchronous test
void (async () => nothing)

// Several families are one union.
const Both = {
  ...Order,
  events: [Order.events, { schemas: { OrderNoted: Order.events.schemas.OrderShipped } }],
} as const satisfies AggregateShape
given(Both, [...placed, { type: 'OrderNoted', data: { carrier: 'x' } }])
// @ts-expect-error: not of any of them
given(Both, [{ type: 'OrderPaid', data: {} }])
