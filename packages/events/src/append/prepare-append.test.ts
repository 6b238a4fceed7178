import { typed, type Context, type Json } from '@rillflow/core'
import { expect, test } from 'vitest'
import { defineEvents } from '../definitions/define-events.js'
import { EventRegistry } from '../definitions/event-registry.js'
import type { NewEvent } from '../event.js'
import { prepareAppend, type AppendOptions, type PreparedAppend } from './prepare-append.js'

const registry = new EventRegistry({ note: defineEvents('note', { Noted: typed<Json>() }) }, 'throw')

function prepare(events: unknown, options: unknown = {}, context: Context = {}): Promise<PreparedAppend> {
  return prepareAppend(registry, {
    streamId: 's',
    events: events as readonly NewEvent[],
    options: options as AppendOptions,
    context,
  })
}

const noted = { type: 'Noted', data: 1 }

test.each([
  undefined,
  null,
  {},
  'Noted',
  [],
  [null],
  [undefined],
  [1],
  [{}],
  [{ type: 1 }],
  [{ type: Object.create(null) }],
])('%o is no list of events', async (events) => {
  await expect(prepare(events)).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'events' })
})

test.each(['', 'x', 1, {}, ['018f3c5e-0000-7000-8000-000000000001'], '018f3c5e-0000-7000-8000-00000000000g'])(
  '%o is no id of an event',
  async (id) => {
    await expect(prepare([{ ...noted, id }])).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'id' })
  },
)

/** With wider headers they are merged, without they are taken as they are: both must refuse the same. */
const contexts: readonly Context[] = [{}, { headers: { wide: true } }]

test.each(contexts)('headers that are no object are refused, in the context %o', async (context) => {
  for (const headers of [null, 'text', 1, ['a']]) {
    const refused = { code: 'InvalidArgument', argument: 'headers' }
    await expect(prepare([noted], { headers }, context)).rejects.toMatchObject(refused)
    await expect(prepare([{ ...noted, headers }], {}, context)).rejects.toMatchObject(refused)
  }
})

test.each(contexts)('headers that JSON cannot hold are refused with the path, in the context %o', async (context) => {
  for (const [headers, path] of [
    [new Map([['a', 1]]), []],
    [new Date(0), []],
    [{ a: { b: undefined } }, ['a', 'b']],
  ] as const) {
    const refused = { code: 'UnstorableValue', path }
    await expect(prepare([noted], { headers }, context)).rejects.toMatchObject(refused)
    await expect(prepare([{ ...noted, headers }], {}, context)).rejects.toMatchObject(refused)
  }
})

test('null does not stand for "any"', async () => {
  await expect(prepare([noted], { expected: null })).rejects.toMatchObject({ argument: 'expected' })
  expect(await prepare([noted], { expected: undefined })).toMatchObject({ expected: 'any' })
})

test.each(['causationId', 'correlationId', 'category', 'idempotencyKey'])('%s must be text', async (argument) => {
  for (const value of ['', 'a\0', 7, {}]) {
    await expect(prepare([noted], { [argument]: value })).rejects.toMatchObject({ code: 'InvalidArgument', argument })
  }
})

test('the headers and ids given are not changed by merging', async () => {
  const wide = Object.freeze({ a: 1 })
  const narrow = Object.freeze({ b: 2 })
  await prepare([{ ...noted, headers: Object.freeze({ c: 3 }) }], { headers: narrow }, { headers: wide })
  expect([wide, narrow]).toEqual([{ a: 1 }, { b: 2 }])
})
