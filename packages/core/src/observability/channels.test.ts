import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from 'vitest'
import { rejectionOf } from '../../test/support/thrown-by.js'
import { channels, traced, type OperationContext } from './channels.js'

const heard: { readonly event: string; readonly message: unknown }[] = []
const listeners = new Map<string, (message: unknown) => void>()

/** Listens by the channel's public name alone, as an observer that knows nothing of this package would. */
function listen(event: string): void {
  const listener = (message: unknown): void => void heard.push({ event, message })
  listeners.set(`tracing:rillflow:save:${event}`, listener)
  subscribe(`tracing:rillflow:save:${event}`, listener)
}

afterEach(() => {
  for (const [name, listener] of listeners) unsubscribe(name, listener)
  listeners.clear()
  heard.length = 0
})

const context: OperationContext = { operation: 'save', schema: 'app', count: 2 }

describe('traced', () => {
  test('makes no context when nobody listens', async () => {
    let made = 0
    const result = await traced(
      'save',
      () => ({ ...context, count: (made += 1) }),
      async () => Promise.resolve('done'),
    )

    expect(result).toBe('done')
    expect(made).toBe(0)
  })

  test.each(['start', 'end', 'asyncStart', 'asyncEnd'])('tells a listener of %s alone', async (event) => {
    listen(event)
    const result = await traced(
      'save',
      () => context,
      async () => Promise.resolve('payload'),
    )

    expect(result).toBe('payload')
    expect(heard).toMatchObject([{ event, message: { operation: 'save', schema: 'app', count: 2 } }])
  })

  test('does not hand the result to the listeners, since a result is payload', async () => {
    listen('asyncEnd')
    await traced(
      'save',
      () => context,
      async () => Promise.resolve({ secret: 'canary' }),
    )

    expect(JSON.stringify(heard)).not.toContain('canary')
  })

  test('tells a failure, and lets the same error through', async () => {
    listen('error')
    listen('asyncEnd')
    const error = new Error('failed')

    expect(
      await rejectionOf(
        traced(
          'save',
          () => context,
          async () => Promise.reject(error),
        ),
      ),
    ).toBe(error)
    expect(heard.map(({ event }) => event)).toEqual(['error', 'asyncEnd'])
    expect(heard[0]?.message).toMatchObject({ error })
  })

  test('another operation is not told', async () => {
    listen('start')
    await traced(
      'append',
      () => context,
      async () => Promise.resolve(),
    )

    expect(heard).toEqual([])
  })
})

test('there is a channel for each operation', () => {
  expect(Object.keys(channels)).toEqual(['append', 'read', 'save', 'project', 'deliver', 'migrate'])
})
