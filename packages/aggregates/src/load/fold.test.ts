import { typed } from '@rillflow/core'
import { defineEvents, type BareEvent } from '@rillflow/events'
import { describe, expect, test } from 'vitest'
import { defineAggregate } from '../definition/define-aggregate.js'
import { fold, initialState } from './fold.js'

const ListEvents = defineEvents('list', { Added: typed<{ text: string }>(), Cleared: typed<null>() })

interface List {
  readonly id: string
  readonly texts: readonly string[]
}

const listOptions = {
  events: ListEvents,
  initial: (id: string): List => ({ id, texts: [] }),
  evolve: {
    Added: (list: List, { data }: { readonly data: { readonly text: string } }): List => ({
      ...list,
      texts: [...list.texts, data.text],
    }),
    Cleared: (list: List): List => ({ ...list, texts: [] }),
  },
}
const List = defineAggregate('list', listOptions)

/** An aggregate whose `Added` does what a test wants of it. */
const listThat = (added: (list: List) => unknown) =>
  defineAggregate('list', { ...listOptions, evolve: { ...listOptions.evolve, Added: added } } as never)

const how = (aggregate = List, freeze = true) => ({ aggregate: aggregate as never, id: 'l-1', freeze })

/** Events of the stream, as many as there are types, from a version on. */
const eventsOf = (types: readonly string[], from = 1): BareEvent[] =>
  types.map((type, index) => ({ type, data: { text: `${from + index}` }, streamId: 'l-1', version: from + index }))

test('the events follow one another on the initial state of the id', () => {
  const before = initialState(how())
  expect(before).toEqual({ id: 'l-1', texts: [] })
  expect(fold(how(), before, [])).toBe(before)
  const events = eventsOf(['Added', 'Cleared', 'Added', 'Added'])
  expect(fold(how(), before, events)).toEqual({ id: 'l-1', texts: ['3', '4'] })
})

test('the event comes to evolve with its type, its data and its place', () => {
  const seen: unknown[] = []
  const Spy = defineAggregate('list', {
    ...listOptions,
    evolve: {
      ...listOptions.evolve,
      Added: (list, event) => {
        seen.push(event)
        return list
      },
    },
  })
  const events = eventsOf(['Added'], 7)
  fold(how(Spy), initialState(how(Spy)), events)
  expect(seen).toEqual([{ type: 'Added', data: { text: '7' }, streamId: 'l-1', version: 7 }])
})

describe('events that are not of the family', () => {
  const stray = eventsOf(['Added', 'Renamed', 'Added'])

  test('throw, and say which', () => {
    expect(() => fold(how(), initialState(how()), stray)).toThrow(
      expect.objectContaining({
        code: 'UnknownEventType',
        type: 'Renamed',
        message: expect.stringMatching(/"Renamed" at version 2 of stream "l-1".*list/),
      }) as Error,
    )
  })

  test('are left out where the aggregate skips them', () => {
    const Skipping = defineAggregate('list', { ...listOptions, unknownEvents: 'skip' })
    expect(fold(how(Skipping), initialState(how(Skipping)), stray)).toEqual({ id: 'l-1', texts: ['1', '3'] })
  })

  test.each(['toString', 'constructor', '__proto__'])('are told by their own name, also when it is %s', (type) => {
    const of = eventsOf([type])
    expect(() => fold(how(), initialState(how()), of)).toThrow(
      expect.objectContaining({ code: 'UnknownEventType', type }) as Error,
    )
  })
})

describe('an evolve that fails', () => {
  const failing = (aggregate: ReturnType<typeof listThat>, freeze = true): unknown => {
    const events = eventsOf(['Cleared', 'Added'], 4)
    try {
      return fold(how(aggregate as never, freeze), initialState(how(aggregate as never, freeze)), events)
    } catch (error) {
      return error
    }
  }
  const place = { code: 'EvolveFailed', aggregate: 'list', id: 'l-1', version: 5, type: 'Added' }

  test('by throwing is told with its place and its cause', () => {
    const cause = new Error('the owner is ada')
    const error = failing(
      listThat(() => {
        throw cause
      }),
    )
    expect(error).toMatchObject({ ...place, cause })
    expect((error as Error).message).toMatch(/list "l-1".*Added, version 5/)
    // What somebody else wrote may hold what the event holds, and messages never do.
    expect((error as Error).message).not.toContain('ada')
  })

  test('by returning nothing is told with its place', () => {
    const error = failing(listThat(() => undefined))
    expect(error).toMatchObject(place)
    expect((error as Error).message).toMatch(/returned nothing/)
  })

  test('by changing the state in place fails where states are frozen', () => {
    const changing = listThat((list) => {
      ;(list.texts as string[]).push('in place')
      return list
    })
    expect(failing(changing)).toMatchObject({ ...place, cause: expect.any(TypeError) })
    // In production nobody pays for the freezing, and nobody is told.
    expect(failing(changing, false)).toEqual({ id: 'l-1', texts: ['in place'] })
  })
})

test('states are frozen, or not, as told', () => {
  const frozen = fold(how(), initialState(how()), eventsOf(['Added'])) as List
  expect([Object.isFrozen(initialState(how())), Object.isFrozen(frozen), Object.isFrozen(frozen.texts)]).toEqual([
    true,
    true,
    true,
  ])
  const free = how(List, false)
  const made = fold(free, initialState(free), eventsOf(['Added'])) as List
  expect([Object.isFrozen(initialState(free)), Object.isFrozen(made)]).toEqual([false, false])
})

test('a state may be null, and a falsy value', () => {
  const Flag = defineAggregate('flag', {
    events: ListEvents,
    initial: () => null as number | null,
    evolve: { Added: () => 0, Cleared: () => null },
  })
  expect(fold(how(Flag as never), null, eventsOf(['Added']))).toBe(0)
  expect(fold(how(Flag as never), 0, eventsOf(['Cleared']))).toBeNull()
})
