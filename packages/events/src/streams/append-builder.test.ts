import { expect, test } from 'vitest'
import type { StoreAppendOptions } from '../append/prepare-append.js'
import type { NewEvent } from '../event.js'
import { sendableAppend, stageableAppend, type AbortableAppend, type StageableAppend } from './append-builder.js'

type Submitted = readonly [streamId: string, events: readonly NewEvent[], options: StoreAppendOptions]

const result = { streamId: 's', version: 1, position: 1, eventIds: [] }
const one = { type: 'Added', data: 1 }
const two = { type: 'Added', data: 2 }

function newBuilder(fails = false): { builder: AbortableAppend<NewEvent>; submitted: Submitted[] } {
  const submitted: Submitted[] = []
  const builder = sendableAppend<NewEvent>('s', async (...given) => {
    submitted.push(given)
    return fails ? Promise.reject(new Error('refused')) : Promise.resolve(result)
  })
  return { builder, submitted }
}

test('everything that was said goes along', async () => {
  const { builder, submitted } = newBuilder()
  const { signal } = new AbortController()
  const sent = await builder
    .expected(3)
    .category('c')
    .headers({ a: 1, b: 1 })
    .causationId('cause')
    .correlationId('correlation')
    .idempotencyKey('key')
    .signal(signal)
    .push(one)
    .headers({ b: 2 })
    .push(two, one)
    .send()
  expect(sent).toBe(result)
  expect(submitted).toEqual([
    [
      's',
      [one, two, one],
      {
        expected: 3,
        category: 'c',
        headers: { a: 1, b: 2 },
        causationId: 'cause',
        correlationId: 'correlation',
        idempotencyKey: 'key',
        signal,
      },
    ],
  ])
})

test('the last word counts, and undefined takes a word back', async () => {
  const { builder, submitted } = newBuilder()
  await builder.expected(1).expected(2).category('c').category(undefined).headers({ a: 1 }).headers(undefined).send()
  expect(submitted[0]?.[2]).toEqual({ expected: 2, category: undefined, headers: { a: 1 } })
})

test.each([false, true])('it is sent once, also when that fails (%s)', async (fails) => {
  const { builder, submitted } = newBuilder(fails)
  builder.push(one)
  await builder.send().catch(() => undefined)
  await expect(builder.send()).rejects.toMatchObject({ code: 'InvalidState' })
  expect(submitted).toHaveLength(1)
})

test('a second send at the same time is refused as well', async () => {
  const { builder, submitted } = newBuilder()
  const outcomes = await Promise.allSettled([builder.push(one).send(), builder.send()])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(submitted).toHaveLength(1)
})

const steps: readonly [string, (builder: AbortableAppend<NewEvent>) => unknown][] = [
  ['push', (builder) => builder.push(one)],
  ['expected', (builder) => builder.expected(1)],
  ['headers', (builder) => builder.headers({})],
  ['signal', (builder) => builder.signal(undefined)],
]

test.each(steps)('%s on one that was sent is refused', async (_name, step) => {
  const { builder } = newBuilder()
  await builder.push(one).send()
  expect(() => step(builder)).toThrow(expect.objectContaining({ code: 'InvalidState' }) as Error)
})

test('it is staged once', () => {
  const submitted: Submitted[] = []
  const builder: StageableAppend<NewEvent> = stageableAppend('s', (...given) => void submitted.push(given))
  builder.push(one).stage()
  expect(() => builder.stage()).toThrow(expect.objectContaining({ code: 'InvalidState' }) as Error)
  expect(submitted).toEqual([['s', [one], {}]])
})

test.each(['text', 7, [1], new Date(), { at: new Date() }])('%o is refused as more headers', (headers) => {
  const { builder } = newBuilder()
  builder.headers({ a: 1 })
  expect(() => builder.headers(headers as unknown as { a: 1 })).toThrow(/must be an object|is a Date/)
})
