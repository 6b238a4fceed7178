import { createStore, isRillflowError, typed } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineCollection, documents, index, type Collection } from '../src/index.js'

const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)

const hostile = [
  "'; drop table rillflow.docs; --",
  "' or 1=1 --",
  '"',
  "''",
  "'",
  '\\',
  "\\'",
  '$1',
  '$$',
  '{}',
  '{"a"',
  ':"schema"',
  ":'schema'",
  '/*',
  '--',
  ';',
  '%s',
  '\n\r\t',
  '\u202e',
  '🦆',
  'Ω'.repeat(60),
  '__proto__',
  'constructor',
  'toString',
  'a.b',
  '.',
  '..',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '',
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(1024),
  'x'.repeat(1025),
]

const name = fc.oneof(
  fc.constantFrom(...hostile),
  fc.array(fc.constantFrom(...hostile), { minLength: 2, maxLength: 3 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

type Doc = Record<string, unknown> & { id: string }

/** The value, or undefined for a typed refusal; anything else fails the test. */
async function orRefused<Value>(work: () => Value | Promise<Value>): Promise<Value | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isRillflowError(error)) return undefined
    throw error
  }
}

test(`R18: hostile names, ids, fields and values are stored or refused, and never SQL (seed ${seed})`, async () => {
  await using server = await startPostgres({ from: 'embedded' })
  const samples = fc.sample(name, { seed, numRuns: 120 })

  const collections: Record<string, Collection<ReturnType<typeof typed<Doc>>>> = {}
  const names = new Set<string>()
  for (const [at, sample] of [...hostile, ...samples].entries()) {
    const defined = await orRefused(() =>
      defineCollection(sample, {
        schema: typed<Doc>(),
        indexes: [index(hostile[at % hostile.length] || 'e', { unique: at % 2 === 0 })],
      }),
    )
    if (defined === undefined || names.has(sample)) continue
    names.add(sample)
    collections[`c${at}`] = defined
  }
  expect(names.size).toBeGreaterThan(50)

  await using store = createStore({ connection: server.url, modules: { docs: documents(collections) } })
  await sync(store)
  let stored = 0

  // Every collection meets another part of the ids, so that all of both are met.
  const ids = [...hostile, ...samples.slice(0, 25)]
  for (const [at, key] of Object.keys(collections).entries()) {
    const docs = store.docs[key]
    if (docs === undefined) throw new Error('each collection has an API')
    for (const id of ids.filter((_, place) => (place + at) % 4 === 0)) {
      const doc: Doc = { id, [id]: id, nested: { [id]: [id] } }
      // For the id 'id' the second property is the first one.
      doc.id = id
      const written = await orRefused(() => docs.put(doc))
      const found = await orRefused(() => docs.find({ [id]: id, 'nested.x': 1 }))
      if (found !== undefined) expect(found).toEqual([])
      if (written === undefined) continue
      stored += 1
      expect(await docs.get(id)).toEqual(doc)
      expect((await docs.find({ id })).map((each) => each.id)).toEqual([id])
    }
  }

  expect(stored).toBeGreaterThan(500)
  const log = await server.log()
  expect(log).not.toMatch(/ (42[0-9A-Z]{3}|08P01) ERROR/)
  expect(log).not.toMatch(/syntax error/)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})
