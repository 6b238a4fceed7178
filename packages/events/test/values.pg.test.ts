import assert from 'node:assert/strict'
import { isRillflowError, type Json, type JsonObject, type ValuePath } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newStore } from './support/test-store.js'

const database = useDatabase()
const CASES = Number(process.env['RILLFLOW_VALUES'] ?? 2_000)
const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)

/** Any text, with what no text in PostgreSQL can hold among it. */
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toJSON', '', '$', '\\u0000', '\u2028', '"\'\\'),
  },
  { weight: 1, arbitrary: fc.constantFrom('\0', 'a\0b', '\uD800', 'x\uDC00', '\uDC00\uD800') },
)
const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(5e-324, 1.7976931348623157e308, 0.1, 1e21, 1e-7, -0, 2 ** 53, Number.MAX_SAFE_INTEGER),
)
const storableLeaf = fc.oneof({ weight: 3, arbitrary: text }, numbers, fc.boolean(), fc.constant(null))
const strangeLeaf = fc.constantFrom<unknown>(
  undefined,
  1n,
  Symbol('s'),
  () => 1,
  new Date(0),
  new Map(),
  /x/,
  new (class Point {
    readonly x = 1
  })(),
  Object.assign([1], { toJSON: () => 2 }),
  // holes
  Object.assign([], { length: 2 }),
  { [Symbol('key')]: 1 },
)
const leaf = fc.oneof({ weight: 40, arbitrary: storableLeaf }, { weight: 1, arbitrary: strangeLeaf })
const { value, object } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    tie('object'),
  ),
  object: fc.array(fc.tuple(text, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}))

/** What JSON makes of a value that it can hold: a copy without -0. */
function asJson(given: unknown): unknown {
  if (given === 0) return 0
  if (Array.isArray(given)) return given.map(asJson)
  if (typeof given !== 'object' || given === null) return given
  return Object.fromEntries(Object.entries(given).map(([key, inner]) => [key, asJson(inner)]))
}

const isBadText = (given: string): boolean => given.includes('\0') || /\p{Surrogate}/u.test(given)

/** Tells whether what stands at the path is something that JSON, or PostgreSQL, cannot hold. */
function isUnstorableAt(root: unknown, path: ValuePath): boolean {
  const found = path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], root)
  const last = path.at(-1)
  if (typeof last === 'string' && isBadText(last)) return true
  if (typeof found === 'string') return isBadText(found)
  if (typeof found === 'number') return !Number.isFinite(found)
  if (typeof found !== 'object') return typeof found !== 'boolean'
  if (found === null) return false
  const plain = Array.isArray(found) || Object.getPrototypeOf(found) === Object.prototype
  return !plain || 'toJSON' in found || Object.getOwnPropertySymbols(found).length > 0
}

test(`${CASES} values are read back as they were, or refused with the path (seed ${seed})`, async () => {
  const { store } = await newStore(database.pool)
  const samples = fc.sample(fc.tuple(value, object), { numRuns: CASES / 2, seed })
  const tally = { stored: 0, refused: 0 }
  for (const [index, [data, headers]] of samples.entries()) {
    for (const part of ['data', 'headers'] as const) {
      const streamId = `${part}-${index}`
      const event = { type: 'Noted' as const, data: part === 'data' ? (data as Json) : null }
      const options = part === 'headers' ? { headers: headers as JsonObject } : {}
      const given = part === 'data' ? data : headers
      try {
        await store.events.append(streamId, [event], options)
      } catch (error) {
        if (!isRillflowError(error, 'UnstorableValue')) throw error
        const { path } = error as unknown as { path: ValuePath }
        expect(isUnstorableAt(given, path), `${part} ${index}: ${error.message}`).toBe(true)
        tally.refused += 1
        continue
      }
      const [stored] = await store.events.readStream(streamId).toArray()
      assert.deepStrictEqual(part === 'data' ? stored?.data : stored?.headers, asJson(given), `${part} ${index}`)
      tally.stored += 1
    }
  }
  expect(tally.stored + tally.refused).toBe(CASES)
  // A generator that leans to one side would try only half of what this is for.
  expect(Math.min(tally.stored, tally.refused)).toBeGreaterThan(CASES / 10)
})

test('nesting is stored up to its limit and refused beyond, with the path', async () => {
  const { store } = await newStore(database.pool)
  const nested = (levels: number): Json => {
    let inner: Json = 'x'
    for (let level = 0; level < levels; level += 1) inner = [inner]
    return inner
  }
  await store.events.append('s', [{ type: 'Noted', data: nested(500) }])
  expect((await store.events.readStream('s').toArray())[0]?.data).toEqual(nested(500))
  await expect(store.events.append('s', [{ type: 'Noted', data: nested(501) }])).rejects.toMatchObject({
    code: 'UnstorableValue',
    path: Array.from({ length: 500 }, () => 0),
  })
})

test('large values are stored whole', async () => {
  const { store } = await newStore(database.pool)
  const data = { text: 'äöü€😀'.repeat(200_000), list: Array.from({ length: 50_000 }, (_, index) => index / 7) }
  await store.events.append('s', [{ type: 'Noted', data }])
  expect((await store.events.readStream('s').toArray())[0]?.data).toEqual(data)
})
