import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Acks, type Entry } from './acks.js'

test('the place moves to the last event before the first that is open, whatever order they end in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), (order) => {
      const acks = new Acks(0)
      const entries = order.map((_, index) => acks.begin((index + 1) * 10))
      const ending = entries
        .map((entry, index) => ({ entry, at: order[index] as number }))
        .toSorted((one, other) => one.at - other.at)
        .map(({ entry }) => entry)
      const ended = new Set<Entry>()
      for (const entry of ending) {
        const before = acks.through
        ended.add(entry)
        const moved = acks.done(entry)
        const open = entries.findIndex((each) => !ended.has(each))
        const expected = (open === -1 ? entries.length : open) * 10
        expect(acks.through).toBe(expected)
        expect(moved).toBe(expected > before)
      }
    }),
  )
})

test('an event is the first when nothing before it is open', () => {
  const acks = new Acks(0)
  const [one, two] = [acks.begin(1), acks.begin(2)]
  expect([acks.isFirst(one), acks.isFirst(two)]).toEqual([true, false])
  acks.done(one)
  expect(acks.isFirst(two)).toBe(true)
})
