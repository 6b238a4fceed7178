import { deepStrictEqual } from 'node:assert'
import { isRillflowError, typed, type UnstorableValueError } from '@rillflow/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineCollection, index } from '../src/index.js'
import { useDocuments } from './support/use-documents.js'

const fixture = useDocuments({
  values: defineCollection('values', { schema: typed<{ id: string; value: unknown }>(), indexes: [index('value')] }),
})

const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['RILLFLOW_VALUES'] ?? 2_000)

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toJSON',
    'a',
    '$gt',
    '',
    "'; drop table docs; --",
    '\\u0000',
    '\0',
    '\ud800',
  ),
)

const anyValue = fc.oneof(
  { weight: 3, arbitrary: fc.anything({ key: text, values: scalars(false), maxDepth: 4, withNullPrototype: true }) },
  {
    weight: 1,
    arbitrary: fc.anything({
      key: text,
      values: scalars(true),
      maxDepth: 3,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
)

function scalars(hostile: boolean): fc.Arbitrary<unknown>[] {
  const fine = [
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  ]
  return hostile ? [...fine, fc.double(), fc.constant(undefined), fc.constant(Symbol('s'))] : fine
}

/** The second opinion on what JSON and PostgreSQL can hold, written apart from the codec. */
function isStorable(value: unknown): boolean {
  if (value === null || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (Array.isArray(value)) return Array.from(value).every(isStorable)
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return false
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorable(inner))
}

/** The same value as JSON knows it: plain objects, and no -0. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value)
}

test(
  `R19: ${runs} values come back as they went in, or are refused by their path (seed ${seed})`,
  { timeout: 180_000 },
  async () => {
    const { values } = fixture.store.docs
    let stored = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(anyValue, async (value) => {
        const doc = { id: 'v', value }
        const error: unknown = await values.put(doc).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        if (!isStorable(value)) {
          refused += 1
          expect(isRillflowError(error, 'UnstorableValue'), String(error)).toBe(true)
          const { path } = error as UnstorableValueError
          const isKey = typeof path.at(-1) === 'string' && !isStorable(path.at(-1))
          expect(isKey || !isStorable(at(doc, path))).toBe(true)
          return
        }
        stored += 1
        expect(error).toBeUndefined()
        // By strict equality, which tells 0 from '0', {} from [] and an own __proto__ from the inherited one.
        deepStrictEqual(await values.get('v'), plain(doc))
        deepStrictEqual(await values.find({ value }), [plain(doc)])
      }),
      { seed, numRuns: runs },
    )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    // Both halves of the promise were really tried.
    expect(Math.min(stored, refused)).toBeGreaterThan(runs / 50)
  },
)
