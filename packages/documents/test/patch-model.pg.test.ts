import { deepStrictEqual } from 'node:assert'
import { isRillflowError, typed, type Json } from '@rillflow/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineCollection, type PatchRefusedError } from '../src/index.js'
import { applyPatch } from '../src/patch/apply-patch.js'
import { toOperations, type Patch } from '../src/patch/patch.js'
import { useDocuments } from './support/use-documents.js'

type Doc = { readonly id: string } & Record<string, unknown>

const fixture = useDocuments({ docs: defineCollection('docs', { schema: typed<Doc>() }) })
const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['RILLFLOW_PATCHES'] ?? 2_000)

// Few names, so that paths meet what is there; hostile ones among them.
const name = fc.constantFrom('a', 'b', 'c', '0', '-1', '01', '__proto__', 'x.y[0]', "it's", '"', 'Ω')
const scalar = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('text', '', '5', null, true, false, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324),
)
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(name, tie('json'), { maxKeys: 3 }),
  ),
}))
const index = fc.integer({ min: -4, max: 4 })
const path = fc.tuple(name, fc.array(fc.oneof(name, index), { maxLength: 3 })).map(([first, rest]) => [first, ...rest])
const by = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  // The edges of what a double holds: overflow, the sum just below it, and the least number.
  fc.constantFrom(1.7976931348623157e308, -1.7976931348623157e308, 9.979201547673598e291, 9.9792015476736e291, 5e-324),
)

/** A patch whose paths may be any. */
type AnyPatch = { [Method in keyof Patch<never>]: (...parts: readonly unknown[]) => unknown }
const operation = fc.oneof(
  fc.tuple(fc.constantFrom('set' as const, 'setIfMissing' as const), path, json),
  fc.tuple(fc.constant('increment' as const), path, by),
  fc.tuple(fc.constant('append' as const), path, json, json),
  fc.tuple(fc.constant('append' as const), path),
  fc.tuple(fc.constant('insert' as const), path, index, json),
  fc.tuple(fc.constant('remove' as const), path),
  fc.tuple(fc.constant('rename' as const), path, name),
  fc.tuple(fc.constant('duplicate' as const), path, path),
)
const body = fc.dictionary(name, json, { maxKeys: 4 })

test(`${runs} patches equal the same ones done in JavaScript (seed ${seed})`, { timeout: 180_000 }, async () => {
  const { docs } = fixture.store.docs
  const seen = { changed: 0, unchanged: 0, refused: new Set<string>() }
  await fc.assert(
    fc.asyncProperty(body, fc.array(operation, { minLength: 1, maxLength: 4 }), async (properties, operations) => {
      const before = await docs.put({ ...properties, id: 'd' })
      const doc = await docs.get('d')
      const build = (patch: unknown): void => {
        for (const [method, ...parts] of operations) (patch as AnyPatch)[method](...parts)
      }
      const model = applyPatch(doc, toOperations(build))
      const outcome = await docs.patch('d', build as never).catch((error: unknown) => error)
      const after = await docs.getStored('d')

      if ('refused' in model) {
        expect(isRillflowError(outcome, 'PatchRefused'), String(outcome)).toBe(true)
        const { reason, operation: kind, path: at } = outcome as PatchRefusedError
        deepStrictEqual({ reason, kind, path: at }, { ...model.refused })
        deepStrictEqual([after?.version, after?.doc], [before.version, doc])
        seen.refused.add(reason)
        return
      }
      // By strict equality, which tells 0 from '0', {} from [] and an own __proto__ from the inherited one.
      deepStrictEqual(after?.doc, model.doc)
      const changed = !isEqual(model.doc, doc)
      const version = before.version + (changed ? 1 : 0)
      deepStrictEqual(outcome, { id: 'd', version, changed })
      expect(after?.version).toBe(version)
      seen[changed ? 'changed' : 'unchanged'] += 1
    }),
    { seed, numRuns: runs },
  )
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  // Each kind of outcome was really tried.
  expect(Math.min(seen.changed, seen.unchanged)).toBeGreaterThan(runs / 50)
  expect(seen.refused.size).toBeGreaterThanOrEqual(5)
})

function isEqual(one: unknown, other: unknown): boolean {
  try {
    deepStrictEqual(one, other)
    return true
  } catch {
    return false
  }
}
