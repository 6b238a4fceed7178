import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { rejectionOf, thrownBy } from '../../test/support/thrown-by.js'
import { typed } from './typed.js'
import { validate } from './validate.js'

const Order = z.object({ total: z.number(), currency: z.string().default('EUR') })

/** A schema that finds what it is told to find. */
function finding(issues: readonly StandardSchemaV1.Issue[]): StandardSchemaV1<unknown, unknown> {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } }
}

describe('validate', () => {
  test('gives what the schema makes of the value, at once when the schema is synchronous', () => {
    expect(validate(Order, { total: 1 }, 'order')).toEqual({ total: 1, currency: 'EUR' })
  })

  test('waits for an asynchronous schema', async () => {
    const asynchronous = Order.refine(async (order) => Promise.resolve(order.total > 0))

    await expect(validate(asynchronous, { total: 1 }, 'order')).resolves.toEqual({ total: 1, currency: 'EUR' })
    expect(await rejectionOf(Promise.resolve(validate(asynchronous, { total: 0 }, 'order')))).toMatchObject({
      code: 'ValidationFailed',
    })
  })

  test('waits for a promise that is not an instance of this Promise', async () => {
    const thenable: StandardSchemaV1<unknown, unknown> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        // A promise of another realm has all of the methods and none of the identity.
        validate: (value) => runInNewContext('Promise.resolve(result)', { result: { value } }) as Promise<never>,
      },
    }

    expect(await validate(thenable, 7, 'value')).toBe(7)
  })

  test('names what was validated and each issue with its path', () => {
    const error = thrownBy(() =>
      validate(z.object({ lines: z.array(Order) }), { lines: [{ total: 'x' }] }, 'event Placed'),
    )

    expect(error).toMatchObject({ code: 'ValidationFailed', issues: [{ path: ['lines', 0, 'total'] }] })
    expect((error as Error).message).toMatch(/^event Placed does not fit its schema: lines\.0\.total: /)
  })

  test('reads path segments that are objects, keys and symbols', () => {
    const schema = finding([
      { message: 'odd', path: [{ key: 'a' }, { key: 0 }, 'b', Symbol('s')] },
      { message: 'root' },
    ])
    const error = thrownBy(() => validate(schema, {}, 'value'))

    expect(error).toMatchObject({
      issues: [
        { path: ['a', 0, 'b', 'Symbol(s)'], message: 'odd' },
        { path: [], message: 'root' },
      ],
    })
    expect((error as Error).message).toContain('(root): root')
  })

  test('shows five issues and keeps all', () => {
    const schema = finding(Array.from({ length: 8 }, (_, index) => ({ message: `no ${index}`, path: ['k'] })))
    const error = thrownBy(() => validate(schema, {}, 'value')) as Error & { issues: unknown[] }

    expect(error.issues).toHaveLength(8)
    expect(error.message).toContain('no 4 (and 3 more)')
    expect(error.message).not.toContain('no 5')
  })

  test('typed() lets everything pass as it is', () => {
    const value = { any: 'thing' }

    expect(validate(typed<{ any: string }>(), value, 'value')).toBe(value)
  })
})
