import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { describe, expect, test } from 'vitest'
import { defineAggregate } from './define-aggregate.js'

const CounterEvents = defineEvents('counter', { Added: typed<{ n: number }>(), Reset: typed<null>() })
const counter = {
  events: CounterEvents,
  initial: () => ({ total: 0 }),
  evolve: {
    Added: (state: { readonly total: number }, { data }: { readonly data: { readonly n: number } }) => ({
      total: state.total + data.n,
    }),
    Reset: () => ({ total: 0 }),
  },
}
const place = { id: 'c-1', version: 0, exists: false }

test('a definition holds what it was given, and the policies that nobody named', () => {
  const Counter = defineAggregate('counter', counter)
  expect(Counter).toMatchObject({ name: 'counter', events: CounterEvents, unknownEvents: 'throw', commands: {} })
  expect([Counter.validate, Counter.snapshot]).toEqual([undefined, undefined])
  expect(Counter.initial('c-1')).toEqual({ total: 0 })
  const options = { ...counter, unknownEvents: 'skip', snapshot: { every: 5, version: 2 } } as const
  expect(defineAggregate('c', options)).toMatchObject({ unknownEvents: 'skip', snapshot: { every: 5, version: 2 } })
})

test('a command takes its input, and gives a decision on the state', () => {
  const { commands } = defineAggregate('counter', {
    ...counter,
    commands: {
      add: ({ total }, n: number, times: number) => [{ type: 'Added', data: { n: total + n * times } }],
      reset: () => [],
    },
  })
  const add = commands.add(2, 3)
  expect(add({ total: 10 }, place)).toEqual([{ type: 'Added', data: { n: 16 } }])
  expect(add({ total: 20 }, place)).toEqual([{ type: 'Added', data: { n: 26 } }])
  expect(commands.reset()({ total: 1 }, place)).toEqual([])
  expect(Object.keys(commands)).toEqual(['add', 'reset'])
})

describe('refuses', () => {
  const refused = (name: unknown, options: object, message: RegExp): void => {
    expect(() => defineAggregate(name as string, { ...counter, ...options } as never)).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.stringMatching(message) }) as Error,
    )
  }

  test.each(['', '  ', 7, undefined, null])('the name %j', (name) => refused(name, {}, /name must be text/))

  test.each([[{ Added: counter.evolve.Added }], [{ ...counter.evolve, Reset: 'no function' }]])(
    'an event without its function, by name',
    (evolve) => refused('counter', { evolve }, /"counter".*Reset/),
  )

  test.each(['ignore', null, true])('%j as what is done with unknown events', (unknownEvents) => {
    refused('counter', { unknownEvents }, /unknownEvents must be/)
  })

  test('an event whose function would be that of every object', () => {
    const events = defineEvents('odd', { toString: typed<null>() })
    refused('odd', { events, evolve: {} }, /toString/)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', null])(
    'the number %s in a snapshot policy',
    (number) => {
      refused('counter', { snapshot: { every: number, version: 1 } }, /snapshot\.every/)
      refused('counter', { snapshot: { every: 1, version: number } }, /snapshot\.version/)
    },
  )

  test.each([
    ['a Map', new Map()],
    ['a Date', new Date(0)],
    ['NaN', Number.NaN],
    ['a bigint', 1n],
    ['undefined', undefined],
  ])('snapshots of a state with %s, which JSON cannot hold', (_, held) => {
    const initial = (): object => ({ total: 0, held })
    const snapshot = { every: 5, version: 1 }
    refused('counter', { initial, snapshot }, /state that JSON cannot hold/)
    // Without snapshots a state may hold what it likes.
    expect(defineAggregate('counter', { ...counter, initial } as never)).toMatchObject({ initial })
  })
})

test('the ends of what a snapshot policy may say', () => {
  for (const number of [1, 2_147_483_647]) {
    const snapshot = { every: number, version: number }
    expect(defineAggregate('counter', { ...counter, snapshot }).snapshot).toEqual(snapshot)
  }
})
