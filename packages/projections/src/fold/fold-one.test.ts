import { typed } from '@rillflow/core'
import { defineEvents, type StoredEvent } from '@rillflow/events'
import { describe, expect, test } from 'vitest'
import { insideOf, type FoldProjection } from '../definition/any-projection.js'
import { defineProjection } from '../definition/define-projection.js'
import { foldOne, type Folding } from './fold-one.js'
import { keysOf } from './keys-of.js'

interface Doc {
  id: string
  tags: string[]
}
const Notes = defineEvents('note', { Noted: typed<object>() })
const event = { type: 'Noted', streamId: 's', position: 7, data: {} } as unknown as StoredEvent
const before: Doc = { id: 's', tags: [] }

function folding(handler: (doc: Doc | undefined) => unknown, more: Partial<Folding> = {}): Folding {
  const options = { version: 1, from: [Notes], to: { name: 'docs', schema: typed<Doc>() }, on: { Noted: handler } }
  const projection = insideOf(defineProjection('notes', options as never)) as FoldProjection
  return { projection, settle: (_, doc) => doc, freeze: false, ...more }
}

const failure = (why: RegExp) =>
  expect.objectContaining({
    code: 'ProjectionFailed',
    key: 's',
    eventType: 'Noted',
    message: expect.stringMatching(why),
  })

describe('what a handler gives', () => {
  test.each([
    ['a promise', async () => Promise.resolve(before), /gave a promise/],
    ['a promise that rejects', async () => Promise.reject(new Error('secret')), /gave a promise/],
    ['null', () => null, /gave no document/],
    ['text', () => 'doc', /gave no document/],
    ['a list', () => [], /gave no document/],
  ])('%s is refused', (_, handler, why) => {
    expect(() => foldOne(folding(handler), 's', before, event)).toThrow(failure(why))
  })

  test('what it throws is the cause, and not in the message', () => {
    const broken = (): never => {
      throw new Error('secret')
    }
    expect(() => foldOne(folding(broken), 's', before, event)).toThrow(failure(/^(?!.*secret)/))
  })

  test('nothing deletes; the same one is not looked at again', () => {
    const settle = (): never => {
      throw new Error('never asked')
    }
    expect(
      foldOne(
        folding(() => undefined, { settle }),
        's',
        before,
        event,
      ),
    ).toBeUndefined()
    expect(
      foldOne(
        folding((doc) => doc, { settle }),
        's',
        before,
        event,
      ),
    ).toBe(before)
  })

  test('it is what its schema makes of it that goes on, also later', async () => {
    const settle = (_: string, doc: object): object => ({ ...doc, settled: true })
    const give = (): Doc => ({ id: 's', tags: ['a'] })
    expect(foldOne(folding(give, { settle }), 's', before, event)).toEqual({ ...give(), settled: true })
    const later = foldOne(folding(give, { settle: async (key, doc) => settle(key, doc) }), 's', before, event)
    expect(later).toBeInstanceOf(Promise)
    expect(await later).toEqual({ ...give(), settled: true })
    const refuse = async (): Promise<never> => Promise.reject(new Error('no'))
    await expect(foldOne(folding(give, { settle: refuse }), 's', before, event)).rejects.toEqual(
      failure(/does not fit/),
    )
  })
})

test('a handler that changes its document fails where it does so, if documents are frozen', () => {
  const change = (doc: Doc | undefined): Doc | undefined => {
    doc?.tags.push('a')
    return doc
  }
  const how = folding(change, { freeze: true })
  const made = foldOne(
    folding(() => ({ id: 's', tags: ['b'] }), { freeze: true }),
    's',
    undefined,
    event,
  )
  expect(() => foldOne(how, 's', made, event)).toThrow(failure(/its handler threw/))
})

describe('keys', () => {
  const keyed = (key: (event: StoredEvent) => unknown): FoldProjection =>
    ({ ...folding(() => undefined).projection, key }) as FoldProjection
  test.each([
    ['text', 'a', ['a']],
    ['several, each once', ['a', 'b', 'a'], ['a', 'b']],
  ])('%s', (_, key, keys) =>
    expect(
      keysOf(
        keyed(() => key),
        [event],
      ),
    ).toEqual([{ event, keys }]),
  )

  test.each([[undefined], [[]]])('%j: not for this event', (key) =>
    expect(
      keysOf(
        keyed(() => key),
        [event],
      ),
    ).toEqual([]),
  )

  test.each([[''], [7], [null], [['a', '']], ['a\0'], ['\ud800'], ['x'.repeat(1_025)], [['é'.repeat(513)]], [{}]])(
    '%j is refused',
    (key) => {
      const wrong = expect.objectContaining({
        code: 'ProjectionFailed',
        message: expect.stringContaining('its key must'),
      })
      expect(() =>
        keysOf(
          keyed(() => key),
          [event],
        ),
      ).toThrow(wrong)
    },
  )

  test('the longest that a document may have is taken', () => {
    expect(
      keysOf(
        keyed(() => 'x'.repeat(1_024)),
        [event],
      ),
    ).toHaveLength(1)
  })
})
