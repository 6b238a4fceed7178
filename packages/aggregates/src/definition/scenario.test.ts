import { encodeJson, typed, type UnstorableValueError } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { given } from '@rillflow/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Account, InsufficientFunds, type AccountState } from '../../test/support/account.js'
import { initialState, fold } from '../load/fold.js'
import { defineAggregate } from './define-aggregate.js'

type AccountEvent = Extract<Parameters<typeof given<typeof Account>>[1], readonly unknown[]>[number]

const opened = { type: 'Opened', data: { owner: 'ada' } } as const
const deposited = { type: 'Deposited', data: { amount: 7 } } as const
const { open, deposit, withdraw } = Account.commands

/** What loading a stream of these events gives. */
function folded(id: string, events: readonly AccountEvent[]): AccountState {
  const how = { aggregate: Account, id, freeze: true }
  const stored = events.map(({ type, data }, index) => ({ type, data, streamId: id, version: index + 1 }))
  return fold(how, initialState(how), stored) as AccountState
}

describe('given an aggregate with commands', () => {
  test('commands decide on the state that the events led to', async () => {
    await given(Account).when(open('ada')).then([opened])
    await given(Account, [opened]).when(open('bob')).thenNothing()
    await given(Account, [opened, deposited])
      .when(withdraw(7))
      .then([{ type: 'Withdrawn', data: { amount: 7 } }])
    await given(Account, [opened, deposited]).when(withdraw(8)).thenError(InsufficientFunds)
    await given(Account, [opened, deposited]).when(deposit(1)).thenState({ owner: 'ada', balance: 8, changes: 2 })
  })

  test('validate refuses the state after the events', async () => {
    await given(Account, [opened])
      .when([{ type: 'Withdrawn', data: { amount: 1 } }])
      .thenError(InsufficientFunds)
  })

  test('its state is what evolve folds, before and after what happens', async () => {
    const amount = fc.record({ amount: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e6 }) })
    const event = fc.oneof<fc.Arbitrary<AccountEvent>[]>(
      fc.record({ type: fc.constant('Opened'), data: fc.record({ owner: fc.string({ unit: 'grapheme' }) }) }),
      fc.record({ type: fc.constant('Deposited'), data: amount }),
      fc.record({ type: fc.constant('Withdrawn'), data: amount }),
    )
    const Unchecked = { ...Account, validate: undefined }
    await fc.assert(
      fc.asyncProperty(fc.array(event), fc.array(event), async (past, news) => {
        const seen: unknown[] = []
        await given(Unchecked, past, { id: 'a-1' })
          .when((state, place) => (seen.push(state, place), news))
          .thenState((state) => void seen.push(state))
        const version = past.length
        const before = folded('a-1', past)
        expect(seen).toStrictEqual([
          before,
          { id: 'a-1', version, exists: version > 0 },
          folded('a-1', [...past, ...news]),
        ])
      }),
    )
  })
})

const NoteEvents = defineEvents('note', { Noted: typed<unknown>() })
const Note = defineAggregate('note', {
  events: NoteEvents,
  initial: (): unknown => null,
  evolve: { Noted: (_, { data }) => data },
  commands: { note: (_, data: unknown) => [{ type: 'Noted', data }] },
})

const cyclic: { self?: unknown } = {}
cyclic.self = [cyclic]

/** Lists in lists. */
function nested(depth: number): unknown {
  let value: unknown = []
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

describe('a decision', () => {
  /** What the store makes of the data, or why it refuses it. */
  const stored = (data: unknown): { readonly data: unknown } | { readonly refused: UnstorableValueError } => {
    try {
      return { data: JSON.parse(encodeJson(data)) as unknown }
    } catch (refused) {
      return { refused: refused as UnstorableValueError }
    }
  }

  test(
    'is refused exactly where the store refuses it, and else folded as it would be read back',
    { timeout: 180_000 },
    async () => {
      const odd = fc.constantFrom<unknown[]>(
        () => 1,
        Symbol('odd'),
        new URL('file:///odd'),
        { toJSON: () => 1 },
        Object.assign([1], { toJSON: () => 1 }),
        { [Symbol('odd')]: 1 },
        'nul\0',
        { 'nul\0': 1 },
        '\uD83D',
      )
      const anything = fc.anything({
        values: [fc.anything({ withDate: true, withBigInt: true, maxDepth: 0 }), fc.string({ unit: 'binary' }), odd],
        withMap: true,
        withSet: true,
        withDate: true,
        withBigInt: true,
        withNullPrototype: true,
        withSparseArray: true,
        withTypedArray: true,
      })
      const counts = { refused: 0, taken: 0 }
      await fc.assert(
        fc.asyncProperty(fc.oneof(anything, fc.jsonValue()), async (data) => {
          const wanted = stored(data)
          const happened = given(Note).when(Note.commands.note(data))
          if ('data' in wanted) {
            counts.taken += 1
            await happened.thenState((state: unknown) => expect(state).toStrictEqual(wanted.data))
            return
          }
          counts.refused += 1
          const { code, path, message } = wanted.refused
          await happened.thenError({ code, path: [...path], message: `data of event Noted: ${message}` })
          await expect(
            given(Note, [{ type: 'Noted', data }])
              .when([])
              .thenNothing(),
          ).rejects.toMatchObject({
            name: 'ScenarioError',
            cause: { code, path },
          })
        }),
        { numRuns: 1000, examples: [[nested(499)], [nested(500)], [cyclic]] },
      )
      expect(Math.min(counts.refused, counts.taken)).toBeGreaterThan(100)
    },
  )
})
