import { typed, type Json } from '@rillflow/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  and,
  between,
  contains,
  defineCollection,
  exists,
  field,
  fullText,
  gin,
  gt,
  gte,
  ilike,
  index,
  lt,
  lte,
  ne,
  not,
  oneOf,
  or,
  regex,
  search,
  sql,
  startsWith,
  type Condition,
} from '../src/index.js'
import { useDocuments } from './support/use-documents.js'

interface Thing {
  readonly id: string
  readonly v?: Json
  readonly w?: Json
  readonly nested?: { readonly v?: Json } | null
}

/** The same documents four times: what a query answers must not depend on the indexes that it has. */
const fixture = useDocuments({
  bare: defineCollection('bare', { schema: typed<Thing>() }),
  indexed: defineCollection('indexed', {
    schema: typed<Thing>(),
    indexes: [index('v'), index(['w', 'v']), index('nested.v'), fullText('v')],
  }),
  gin: defineCollection('gin', { schema: typed<Thing>(), indexes: [gin()] }),
  both: defineCollection('both', { schema: typed<Thing>(), indexes: [gin(), index('v'), fullText('nested.v')] }),
})
const keys = ['bare', 'indexed', 'gin', 'both'] as const

const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
const text = fc.constantFrom(
  '',
  'a',
  'A',
  'ab',
  'b',
  'a%b',
  'a_b',
  'a\\b',
  'quick fox',
  'Fox',
  '5',
  'null',
  'é',
  '😀',
  '$gt',
)
const date = fc.integer({ min: 0, max: 9 }).map((day) => `2024-01-0${day}T00:00:00.000Z`)
const scalar = fc.oneof(
  text,
  date,
  fc.integer({ min: -3, max: 6 }),
  fc.constantFrom(0.5, -0.5, 1e21, 1e-7, true, false, null),
)
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', '$gt', 'b'), scalar, { maxKeys: 2 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.dictionary(fc.constantFrom('a', 'b'), scalar, { maxKeys: 2 }), { maxLength: 2 }),
  },
)
const optional = fc.option(value, { nil: undefined })
const thing = fc.record({ v: optional, w: optional, nested: fc.oneof(fc.constant(null), fc.record({ v: optional })) })
const documents: readonly Thing[] = fc.sample(thing, { seed, numRuns: 1_000 }).map((body, at) =>
  // Without the properties that are undefined.
  ({ ...(JSON.parse(JSON.stringify(body)) as object), id: `d${String(at).padStart(4, '0')}` }),
)

beforeAll(async () => {
  for (const key of keys) {
    const { failed } = await fixture.store.docs[key].putMany(documents)
    if (failed > 0) throw new Error('every document should be stored')
  }
  await fixture.database.query('analyze rillflow.docs')
})

type Get = (doc: Thing) => Json | undefined
const fields: Readonly<Record<'v' | 'nested.v', Get>> = { v: (doc) => doc.v, 'nested.v': (doc) => doc.nested?.v }

/** Conditions and what they mean in JavaScript. */
interface Case {
  readonly what: string
  readonly condition: Condition<Thing>
  readonly meaning: (doc: Thing) => boolean
}

function on(name: 'v' | 'nested.v', what: string, asks: unknown, meaning: (value: Json | undefined) => boolean): Case {
  return {
    what: `${name} ${what}`,
    condition: { [name]: asks } as Condition<Thing>,
    meaning: (doc) => meaning(fields[name](doc)),
  }
}

const equal = (one: Json | undefined, other: Json): boolean => one !== undefined && canonical(one) === canonical(other)
const bounds: readonly (number | string | Date)[] = [-1, 0, 0.5, 3, 1e21, '', 'a', 'a%b', 'é', new Date('2024-01-04')]
const bytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))

function compare(found: Json | undefined, bound: number | string | Date): number | undefined {
  const other = bound instanceof Date ? bound.toISOString() : bound
  if (typeof found === 'number' && typeof other === 'number') return found - other
  return typeof found === 'string' && typeof other === 'string' ? bytes(found, other) : undefined
}

const is = (compared: number | undefined, fits: (sign: number) => boolean): boolean =>
  compared !== undefined && fits(compared)
const texts = (fits: (text: string) => boolean) => (found: Json | undefined) => typeof found === 'string' && fits(found)

const operands: readonly Json[] = [5, '5', 0, '', 'a', null, true, [], {}, ['a'], { a: 1 }, { $gt: 1 }, [1, 'a'], 1e21]

const cases: readonly Case[] = (['v', 'nested.v'] as const).flatMap((name) => [
  ...operands.map((operand) => on(name, `= ${JSON.stringify(operand)}`, operand, (found) => equal(found, operand))),
  ...operands.map((operand) =>
    on(name, `ne ${JSON.stringify(operand)}`, ne(operand), (found) => !equal(found, operand)),
  ),
  ...[[], [5, 'a'], [null, '5'], [null], operands].map((list) =>
    on(name, `in ${JSON.stringify(list)}`, oneOf(list), (found) => list.some((each) => equal(found, each))),
  ),
  ...bounds.flatMap((bound) => [
    on(name, `> ${String(bound)}`, gt(bound as never), (found) => is(compare(found, bound), (sign) => sign > 0)),
    on(name, `>= ${String(bound)}`, gte(bound as never), (found) => is(compare(found, bound), (sign) => sign >= 0)),
    on(name, `< ${String(bound)}`, lt(bound as never), (found) => is(compare(found, bound), (sign) => sign < 0)),
    on(name, `<= ${String(bound)}`, lte(bound as never), (found) => is(compare(found, bound), (sign) => sign <= 0)),
    ...bounds.map((other) =>
      on(
        name,
        `between ${String(bound)} and ${String(other)}`,
        between(bound as never, other as never),
        (found) => is(compare(found, bound), (sign) => sign >= 0) && is(compare(found, other), (sign) => sign <= 0),
      ),
    ),
  ]),
  ...[['a'], ['a', 'b'], [5], [], {}, { a: 1 }, { a: 'a' }, [{ a: 1 }], [{}], { $gt: 'a' }, [null]].map((part) =>
    on(name, `contains ${JSON.stringify(part)}`, contains(part), (found) => found !== undefined && holds(found, part)),
  ),
  on(name, 'exists', exists(), (found) => found !== undefined),
  ...['^a', 'b$', '^$', '[0-9]', 'A'].map((pattern) =>
    on(
      name,
      `~ ${pattern}`,
      regex(pattern),
      texts((each) => new RegExp(pattern).test(each)),
    ),
  ),
  on(
    name,
    '~* A',
    regex('A', { ignoreCase: true }),
    texts((each) => /a/i.test(each)),
  ),
  ...['', 'a', 'a%', 'a\\', '2024', '😀'].map((prefix) =>
    on(
      name,
      `starts with ${prefix}`,
      startsWith(prefix),
      texts((each) => each.startsWith(prefix)),
    ),
  ),
  on(
    name,
    'ilike a%',
    ilike('a%'),
    texts((each) => /^a/i.test(each)),
  ),
  on(
    name,
    'ilike _',
    ilike('_'),
    texts((each) => /^.$/su.test(each)),
  ),
  on(
    name,
    'ilike a\\%b',
    ilike('a\\%b'),
    texts((each) => each.toLowerCase() === 'a%b'),
  ),
  on(
    name,
    'ilike a\\\\b',
    ilike('a\\\\b'),
    texts((each) => each === 'a\\b'),
  ),
  on(name, 'search fox', search('fox'), (found) => wordsOf(found).includes('fox')),
  on(name, 'search fox quick', search('fox quick'), (found) =>
    ['fox', 'quick'].every((word) => wordsOf(found).includes(word)),
  ),
  on(
    name,
    'search fox -quick',
    search('fox -quick'),
    (found) => wordsOf(found).includes('fox') && !wordsOf(found).includes('quick'),
  ),
])

function wordsOf(found: Json | undefined): readonly string[] {
  if (typeof found === 'string') return found.toLowerCase().split(/[^a-z]+/)
  if (Array.isArray(found)) return (found as readonly Json[]).flatMap(wordsOf)
  return typeof found === 'object' && found !== null ? Object.values(found).flatMap(wordsOf) : []
}

/** Containment as PostgreSQL defines it, without the exception for a lone value in an array. */
function holds(found: Json, part: Json): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(found)) return false
    return (part as readonly Json[]).every((each) => (found as readonly Json[]).some((element) => holds(element, each)))
  }
  if (typeof part === 'object' && part !== null) {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return false
    return Object.entries(part).every(
      ([key, each]) => Object.hasOwn(found, key) && holds((found as Record<string, Json>)[key] as Json, each),
    )
  }
  return equal(found, part)
}

function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${(json as readonly Json[]).map(canonical).join(',')}]`
  if (typeof json !== 'object' || json === null) return JSON.stringify(json)
  const entries = Object.entries(json).toSorted(([one], [other]) => bytes(one, other))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}

describe.each(keys)('%s', (key) => {
  const ids = async (condition: Condition<Thing>): Promise<readonly string[]> =>
    (await fixture.store.docs[key].find(condition)).map(({ id }) => id)
  const expected = (meaning: Case['meaning']): readonly string[] => documents.filter(meaning).map(({ id }) => id)

  test(`each operator finds what JavaScript finds (seed ${seed})`, { timeout: 180_000 }, async () => {
    for (const { what, condition, meaning } of cases) {
      expect(await ids(condition), what).toEqual(expected(meaning))
      expect(await ids(not(condition)), `not ${what}`).toEqual(expected((doc) => !meaning(doc)))
    }
  })

  test(`conditions join as in JavaScript (seed ${seed})`, async () => {
    const pairs = fc.sample(fc.tuple(fc.constantFrom(...cases), fc.constantFrom(...cases)), { seed, numRuns: 100 })
    for (const [one, other] of pairs) {
      const what = `${one.what} / ${other.what}`
      const both = expected((doc) => one.meaning(doc) && other.meaning(doc))
      expect(await ids(and(one.condition, other.condition)), what).toEqual(both)
      expect(await ids(sql`${and(one.condition)} and ${and(other.condition)} -- both`), what).toEqual(both)
      const either = expected((doc) => one.meaning(doc) || other.meaning(doc))
      expect(await ids(or(one.condition, other.condition)), what).toEqual(either)
      expect(await ids(not(and(not(one.condition), not(other.condition)))), what).toEqual(either)
    }
    expect(await ids(or())).toEqual([])
    expect(await ids(and())).toHaveLength(1_000)
  })

  test('sql of your own composes, and its values are bound', async () => {
    const hostile = `'); drop table rillflow.docs; --`
    expect(await ids(sql`${field('v')} = to_jsonb(${hostile}::text)`)).toEqual([])
    const twice = sql`${sql`${field('v')} = ${'5'}::jsonb`} or ${or({ v: 'a' })}`
    expect(await ids(twice)).toEqual(expected((doc) => doc.v === 5 || doc.v === 'a'))
  })

  describe('order', () => {
    /** Absent and null first, then text by its bytes, numbers, booleans; arrays and objects are left out here. */
    const rank = (json: Json | undefined): number => {
      if (json === undefined || json === null) return 0
      return ['string', 'number', 'boolean'].indexOf(typeof json) + 1
    }
    const byValue = (one: Json | undefined, other: Json | undefined): number => {
      if (rank(one) !== rank(other)) return rank(one) - rank(other)
      return typeof one === 'string' ? bytes(one, other as string) : Number(one ?? 0) - Number(other ?? 0)
    }
    const plain = documents.filter(({ v, w }) => typeof (v ?? 0) !== 'object' && typeof (w ?? 0) !== 'object')
    const isPlain = sql`jsonb_typeof(coalesce(${field('v')}, 'null')) not in ('array', 'object')
      and jsonb_typeof(coalesce(${field('w')}, 'null')) not in ('array', 'object')`
    const sorts = (['asc', 'desc'] as const).flatMap((direction) =>
      ([undefined, 'first', 'last'] as const).map((nulls) => ({ direction, nulls })),
    )

    function sorted(orders: readonly ['v' | 'w', (typeof sorts)[number]][]): readonly string[] {
      const isDescending = orders.at(-1)?.[1].direction === 'desc'
      return plain
        .toSorted((one, other) => {
          for (const [name, { direction, nulls }] of orders) {
            const sign = direction === 'asc' ? 1 : -1
            const isNull = [one, other].map((doc) => rank(doc[name]) === 0)
            if (nulls !== undefined && isNull[0] !== isNull[1])
              return (isNull[0] === true) === (nulls === 'first') ? -1 : 1
            const compared = sign * byValue(one[name], other[name])
            if (compared !== 0) return compared
          }
          return bytes(one.id, other.id) * (isDescending ? -1 : 1)
        })
        .map(({ id }) => id)
    }

    test.each(sorts)('by one field, $direction, nulls $nulls: all at once and page by page', async (order) => {
      const query = fixture.store.docs[key].query(isPlain).orderBy('v', order)
      const all = sorted([['v', order]])
      expect((await query.all()).map(({ id }) => id)).toEqual(all)
      const paged: string[] = []
      for await (const { id } of query.iterate({ pageSize: 47 })) paged.push(id)
      expect(paged).toEqual(all)
      expect((await query.offset(10).limit(5).all()).map(({ id }) => id)).toEqual(all.slice(10, 15))
    })

    test('by two fields in all directions, page by page', async () => {
      for (const one of sorts) {
        for (const other of sorts) {
          const query = fixture.store.docs[key].query(isPlain).orderBy('w', one).orderBy('v', other)
          const paged: string[] = []
          for await (const { id } of query.iterate({ pageSize: 211 })) paged.push(id)
          expect(paged, JSON.stringify([one, other])).toEqual(sorted([['w', one], ['v', other]])) // prettier-ignore
        }
      }
    })
  })
})
