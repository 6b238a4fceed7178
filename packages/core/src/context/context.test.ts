import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json/encode-json.js'
import { mergeContexts } from './context.js'

describe('mergeContexts', () => {
  test('merges headers key by key; the narrower context wins', () => {
    const merged = mergeContexts(
      { headers: { user: 'ada', app: 'shop' }, correlationId: 'wide' },
      undefined,
      { headers: { user: 'bob' }, causationId: 'cause' },
      { correlationId: 'narrow' },
    )

    expect(merged).toEqual({ headers: { user: 'bob', app: 'shop' }, causationId: 'cause', correlationId: 'narrow' })
  })

  test.each([['text'], [['a']], [new Map([['a', 1]])], [new Date(0)], [null], [1]])(
    'refuses headers that are %o',
    (headers) => {
      expect(() => mergeContexts({ headers: { a: 1 } }, { headers: headers as unknown as JsonObject })).toThrow(
        'headers must be a plain object',
      )
    },
  )

  test('replaces a header as a whole, however deep it is', () => {
    expect(mergeContexts({ headers: { at: { a: 1 } } }, { headers: { at: { b: 2 } } }).headers).toEqual({
      at: { b: 2 },
    })
  })

  test('an undefined id says nothing', () => {
    expect(mergeContexts({ correlationId: 'kept' }, { correlationId: undefined }).correlationId).toBe('kept')
  })

  test('changes none of the contexts and takes only what a context has', () => {
    const wide = { headers: { a: 1 } }
    const more = { headers: { b: 2 }, tenant: 't' }
    const merged = mergeContexts(wide, more)

    expect(wide).toEqual({ headers: { a: 1 } })
    expect(merged).not.toHaveProperty('tenant')
  })

  test('nothing merges to an empty context', () => {
    expect(mergeContexts()).toEqual({})
    expect(mergeContexts(undefined)).toEqual({})
  })

  test('a __proto__ header is a header', () => {
    const hostile = { headers: JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, never> }

    expect(JSON.stringify(mergeContexts({ headers: {} }, hostile).headers)).toBe('{"__proto__":{"polluted":true}}')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})
