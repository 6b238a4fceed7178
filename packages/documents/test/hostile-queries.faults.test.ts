import { createStore, isRillflowError, typed } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  between,
  compileQuery,
  contains,
  defineCollection,
  documents,
  exists,
  field,
  fullText,
  gin,
  gt,
  ilike,
  index,
  lt,
  max,
  ne,
  not,
  oneOf,
  or,
  regex,
  search,
  sql,
  startsWith,
  sum,
} from '../src/index.js'

const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['RILLFLOW_HOSTILE'] ?? 1_500)

const hostile = [
  "'; drop table rillflow.docs; --",
  "' or 1=1 --",
  '"',
  "'",
  '\\',
  "\\'",
  '$1',
  '$$',
  '{}',
  '{"a"',
  ':"schema"',
  '/*',
  '*/',
  '--',
  ';',
  '%',
  '_',
  '(',
  '[',
  '(?',
  '(a+)+$',
  '\n',
  '🦆',
  '__proto__',
  'constructor',
  'a.b',
  '.',
  ' ',
  '\0',
  '\ud800',
  '',
  "english'; drop table rillflow.docs; --",
  'x'.repeat(1_025),
  '-1e400',
  'NaN',
  'now',
]
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 20 }))
const value = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 1, arbitrary: fc.anything({ key: text, maxDepth: 2, withBigInt: true, withDate: true }) },
)

/** A patch whose arguments may be any. */
type Loose = Record<'insert' | 'remove', (...parts: readonly unknown[]) => Loose>
type Doc = Record<string, unknown> & { id: string }
const schema = typed<Doc>()
const anyOperator = (operand: unknown, other: unknown): readonly unknown[] => [
  operand,
  ne(operand),
  oneOf([operand, other]),
  oneOf(operand as never),
  gt(operand as never),
  lt(operand as never),
  between(operand as never, other as never),
  contains(operand as never),
  exists(),
  regex(operand as never),
  startsWith(operand as never),
  ilike(operand as never),
  search(operand as never),
  search('x', { language: operand as never }),
]

test(`R18: hostile fields, operands, orders, cursors, paths and languages (seed ${seed})`, async () => {
  await using server = await startPostgres({ from: 'embedded' })
  await using store = createStore({
    connection: server.url,
    modules: {
      docs: documents({
        bare: defineCollection('bare', { schema }),
        rich: defineCollection('rich', {
          schema,
          indexes: [gin(), index('a'), index("'", { unique: true }), fullText('"')],
        }),
      }),
    },
  })
  await sync(store)
  const outcomes = { answered: 0, refused: 0 }
  for (const docs of [store.docs.bare, store.docs.rich]) {
    await docs.put({ id: 'canary', a: 1, "'": "'", '"': 'word' })
    await fc.assert(
      fc.asyncProperty(text, value, value, fc.nat({ max: 30 }), async (name, operand, other, choice) => {
        const operators = anyOperator(operand, other)
        const asked = operators[choice % operators.length]
        const condition = { [name]: asked } as never
        const calls: readonly (() => Promise<unknown>)[] = [
          () => docs.find(condition),
          () => docs.find(not(or(condition, condition))),
          () => docs.find(sql`${field(name)} = to_jsonb(${operand as never}::text)`),
          async () =>
            docs
              .query()
              .orderBy(name, operand as never)
              .page(2, operand as never),
          async () =>
            docs
              .query()
              .orderBy(name)
              .limit(operand as never)
              .offset(other as never)
              .all(),
          async () => docs.query().select(name).all(),
          async () =>
            docs
              .query()
              .include(name, { name } as never, name)
              .all(),
          async () =>
            docs
              .query()
              .groupBy(name)
              .aggregate({ [name]: sum(name), m: max(name) } as never),
          async () => docs.getField('canary', name),
          async () => docs.getMany([name, 'canary']),
          async () => docs.patch('canary', (patch) => patch.set(name, operand as never).remove(name)),
          async () => docs.patch('canary', (patch) => patch.rename([name, 0] as never, operand as never)),
          async () =>
            docs.patch('canary', (patch: unknown) => (patch as Loose).insert([name], operand, other).remove([name])),
          async () => docs.patchMany([name], (patch) => patch.append(operand as never, other)),
          async () => docs.purge(name),
          async () =>
            docs.run(
              compileQuery(schemaOf(docs), schema as never, (q, p) => q.where({ [name]: p[name as never] } as never)),
              { [name]: operand } as never,
            ),
        ]
        try {
          await (calls[choice % calls.length] as () => Promise<unknown>)()
          outcomes.answered += 1
        } catch (error) {
          if (!isRillflowError(error)) throw error
          // What only the server could refuse would be a hole: the operands of this package are judged before.
          expect(['DatabaseError', 'DriverError', 'SchemaMissing']).not.toContain(error.code)
          outcomes.refused += 1
        }
      }),
      { seed, numRuns: runs },
    )
    expect(await docs.getStored('canary')).toMatchObject({ deletedAt: undefined, doc: { a: 1 } })
  }
  expect(Math.min(outcomes.answered, outcomes.refused)).toBeGreaterThan(runs / 10)
  const log = await server.log()
  expect(log).not.toMatch(/ (42[0-9A-Z]{3}|08P01) ERROR/)
  expect(log).not.toMatch(/syntax error/)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()

  function schemaOf(docs: unknown): ReturnType<typeof defineCollection<typeof schema>> {
    return defineCollection(docs === store.docs.bare ? 'bare' : 'rich', { schema })
  }
})
