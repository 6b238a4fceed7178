import { isRillflowError, RillflowError, typed } from '@rillflow/core'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvents } from '../definitions/define-events.js'
import { EventRegistry, type NewerVersions, type UnknownTypes } from '../definitions/event-registry.js'
import type { StoredEvent } from '../event.js'
import { readRows } from '../read/read-rows.js'
import type { EventRow } from '../read/stored-row.js'
import { decodeEvent } from './decode-event.js'
import { upcaster, type Upcaster } from './upcaster.js'

const families = {
  order: defineEvents('order', {
    Placed: z.object({ total: z.number(), currency: z.string(), note: z.string().default('none') }),
    Shipped: typed<{ carrier: string }>(),
  }),
}

const renamed = upcaster({
  from: ['Created', 1],
  to: ['Placed', 2],
  upcast: (data: { total: number }) => ({ ...data, currency: 'EUR' }),
})
const doubled = upcaster({
  from: ['Placed', 2],
  to: ['Placed', 3],
  upcast: (data: { total: number }) => ({ ...data, total: data.total * 2 }),
})
const slowly = { ...doubled, upcast: async (data: unknown) => Promise.resolve(doubled.upcast(data, {} as StoredEvent)) }

function registryOf(
  upcasters: readonly Upcaster[],
  newerVersions?: NewerVersions,
  unknown?: UnknownTypes,
): EventRegistry {
  return new EventRegistry(families, unknown, { upcasters, newerVersions })
}

function row(type: string, schemaVersion: number, data: unknown, position = 7): EventRow {
  const id = '018f3c5e-0000-7000-8000-000000000001'
  const json = JSON.stringify(data)
  return [`${position}`, '3', type, schemaVersion, json, '{"h":1}', id, 'cause', null, 'order', 'o-1', '1000000']
}

function decode(
  given: EventRow,
  registry: EventRegistry,
  validate = false,
): StoredEvent | undefined | Promise<StoredEvent> {
  return decodeEvent(given, { registry, validate })
}

test('a chain gives the newest form, with the current type and version', () => {
  const event = decode(row('Created', 1, { total: 2 }), registryOf([renamed, doubled]))
  expect(event).toEqual({
    type: 'Placed',
    schemaVersion: 3,
    data: { total: 4, currency: 'EUR' },
    id: '018f3c5e-0000-7000-8000-000000000001',
    streamId: 'o-1',
    version: 3,
    position: 7,
    category: 'order',
    headers: { h: 1 },
    causationId: 'cause',
    correlationId: undefined,
    createdAt: new Date(1_000),
  })
})

test('a new name of the same version is a step like any other', () => {
  const step = upcaster({ from: ['Created', 1], to: ['Placed', 1], upcast: () => ({ total: 1 }) })
  expect(decode(row('Created', 1, {}), registryOf([step]))).toMatchObject({ type: 'Placed', data: { total: 1 } })
})

test('a chain begins where the event is', () => {
  const event = decode(row('Placed', 2, { total: 2, currency: 'USD' }), registryOf([renamed, doubled]))
  expect(event).toMatchObject({ schemaVersion: 3, data: { total: 4, currency: 'USD' } })
})

test('an event of the newest form goes through no upcaster', () => {
  const upcast = vi.fn<Upcaster['upcast']>()
  const event = decode(row('Placed', 2, { total: 2 }), registryOf([{ ...renamed, upcast }]))
  expect(event).toMatchObject({ type: 'Placed', schemaVersion: 2, data: { total: 2 } })
  expect(upcast).not.toHaveBeenCalled()
})

test('each step sees the event as the step before left it', () => {
  const seen: unknown[] = []
  const watched = [renamed, doubled].map((step) => ({
    ...step,
    upcast: (data: unknown, event: StoredEvent) => {
      seen.push([event.type, event.schemaVersion, event.streamId, event.position, event.data === data])
      return step.upcast(data, event)
    },
  }))
  void decode(row('Created', 1, { total: 2 }), registryOf(watched))
  expect(seen).toEqual([
    ['Created', 1, 'o-1', 7, true],
    ['Placed', 2, 'o-1', 7, true],
  ])
})

test('an async step in a chain gives a promise, and the steps behind it are taken', async () => {
  const tripled = upcaster({
    from: ['Placed', 3],
    to: ['Placed', 4],
    upcast: (data: { total: number }) => ({ ...data, total: data.total * 3 }),
  })
  const event = decode(row('Created', 1, { total: 1 }), registryOf([renamed, slowly, tripled]))
  expect(event).toBeInstanceOf(Promise)
  expect(await event).toMatchObject({ type: 'Placed', schemaVersion: 4, data: { total: 6, currency: 'EUR' } })
})

const secret = 'payload-that-no-message-may-show'
const failures: readonly [string, Upcaster['upcast']][] = [
  [
    'throws',
    () => {
      throw new Error(secret)
    },
  ],
  ['rejects', async () => Promise.reject(new Error(secret))],
  ['gives undefined', () => undefined],
  ['gives a promise of undefined', async () => Promise.resolve(undefined)],
]

test.each(failures)('an upcaster that %s is UpcastFailed', async (_name, upcast) => {
  const registry = registryOf([renamed, { ...doubled, upcast }])
  const error = await rejectionOf(async () => decode(row('Created', 1, { total: secret }), registry))
  expect(isRillflowError(error, 'UpcastFailed'), String(error)).toBe(true)
  expect(error).toMatchObject({ from: ['Placed', 2], to: ['Placed', 3], streamId: 'o-1', version: 3, position: 7 })
  expect((error as Error).message).toMatch(
    /the event at position 7 \(version 3 of stream "o-1"\) from Placed 2 to Placed 3/,
  )
  expect((error as Error).message).not.toContain(secret)
})

test('the cause is what the upcaster threw, and decides whether it is worth another try', async () => {
  const cause = new RillflowError('gone', { code: 'ConnectionLost', retryable: true })
  const upcast = (): never => {
    throw cause
  }
  const error = await rejectionOf(async () => decode(row('Created', 1, {}), registryOf([{ ...renamed, upcast }])))
  expect(error).toMatchObject({ code: 'UpcastFailed', retryable: true })
  expect((error as Error).cause).toBe(cause)
})

test('a version that no step begins with is UpcastFailed', async () => {
  const registry = registryOf([upcaster({ from: ['Placed', 3], to: ['Placed', 4], upcast: (data) => data })])
  const error = await rejectionOf(async () => decode(row('Placed', 1, {}), registry))
  expect(error).toMatchObject({ code: 'UpcastFailed', from: ['Placed', 1], to: undefined })
  expect((error as Error).message).toContain('no upcaster begins there')
})

const tooNew: readonly [string, number, number][] = [
  ['Shipped', 2, 1],
  ['Placed', 4, 3],
  ['Created', 2, 1],
]

test.each(tooNew)('%s %d is newer than the code knows', async (type, version, newest) => {
  const registry = (policy?: NewerVersions): EventRegistry => registryOf([renamed, doubled], policy)
  const error = await rejectionOf(async () => decode(row(type, version, {}), registry()))
  expect(isRillflowError(error, 'EventTooNew'), String(error)).toBe(true)
  expect(error).toMatchObject({ type, schemaVersion: version, streamId: 'o-1', version: 3, position: 7 })
  expect((error as Error).message).toContain(`knows ${type} up to ${newest}`)
  expect(decode(row(type, version, { a: 1 }), registry('skip'))).toBeUndefined()
  const passed = decode(row(type, version, { a: 1 }), registry('pass'))
  expect(passed).toMatchObject({ type, schemaVersion: version, data: { a: 1 } })
})

test('a type that only upcasters know is not unknown, whatever the policy', () => {
  for (const policy of ['throw', 'skip', 'pass'] as const) {
    const event = decode(row('Created', 1, { total: 1 }), registryOf([renamed], undefined, policy))
    expect(event).toMatchObject({ type: 'Placed' })
  }
})

test('a chain that ends in no family is unknown', async () => {
  const away = upcaster({ from: ['Old', 1], to: ['Gone', 1], upcast: (data) => data })
  for (const type of ['Old', 'Gone', 'Other']) {
    expect(decode(row(type, 1, {}), registryOf([away], undefined, 'skip'))).toBeUndefined()
    expect(decode(row(type, 1, {}), registryOf([away], undefined, 'pass'))).toMatchObject({ type })
  }
  const error = await rejectionOf(async () => decode(row('Other', 1, {}), registryOf([])))
  expect(error).toMatchObject({ code: 'UnknownEventType', type: 'Other' })
})

test('validation on read gives what the schema makes of the newest form, or says what is wrong where', async () => {
  const registry = registryOf([renamed, doubled])
  const fits = decode(row('Created', 1, { total: 2 }), registry, true)
  expect(fits).toMatchObject({ data: { total: 4, currency: 'EUR', note: 'none' } })
  const error = await rejectionOf(async () => decode(row('Placed', 3, { total: 'x' }), registry, true))
  expect(error).toMatchObject({ code: 'ValidationFailed' })
  expect((error as Error).message).toContain('The data of the event at position 7 (version 3 of stream "o-1"), Placed,')
  expect(decode(row('Placed', 3, { total: 'x' }), registry)).toMatchObject({ data: { total: 'x' } })
})

test('validation on read takes async schemas, behind async upcasters too', async () => {
  const order = defineEvents('order', {
    Placed: z.object({ total: z.number() }).refine(async () => Promise.resolve(true)),
  })
  const registry = new EventRegistry({ order }, 'throw', {
    upcasters: [{ ...slowly, from: ['Placed', 1], to: ['Placed', 2] }],
  })
  expect(await decode(row('Placed', 1, { total: 2, more: 1 }), registry, true)).toMatchObject({ data: { total: 4 } })
})

test('a page without anything async is no promise', () => {
  const rows = [row('Created', 1, { total: 1 }, 5), row('Placed', 3, { total: 1, currency: 'EUR' }, 9)]
  const page = readRows(rows, { registry: registryOf([renamed, doubled]), validate: true }, (each) => each[0])
  expect(page).toMatchObject({ rows: 2, last: 9, events: [{ position: 5 }, { position: 9 }] })
})

test('async upcasters run one after the other, and the page keeps its order', async () => {
  let running = 0
  let most = 0
  const slow = {
    ...renamed,
    upcast: async (data: unknown) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return data
    },
  }
  const types = ['Placed', 'Created', 'Strange', 'Created', 'Placed']
  const rows = types.map((type, index) => row(type, type === 'Placed' ? 2 : 1, {}, index + 1))
  const how = { registry: registryOf([slow], undefined, 'skip'), validate: false }
  const page = await readRows(rows, how, (each) => each[0])
  expect(page.events.map((event) => event.position)).toEqual([1, 2, 4, 5])
  expect(page).toMatchObject({ rows: 5, last: 5 })
  expect(most).toBe(1)
})

async function rejectionOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
