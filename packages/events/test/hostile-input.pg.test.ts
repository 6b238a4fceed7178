import { inspect } from 'node:util'
import { createStore, isRillflowError, singleTenant, typed, type Json } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { beforeAll, expect, inject, test } from 'vitest'
import { defineEvents, events } from '../src/index.js'

const database = useDatabase()
const CASES = Number(process.env['RILLFLOW_HOSTILE'] ?? 1_000)
const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)

const words = [
  "'; drop table canary; --",
  "\\'; drop table canary; --",
  '"; drop table canary; --',
  '*/ drop table canary; /*',
  '$1',
  '$$; drop table canary; $$',
  ':"schema"',
  ":'schema'",
  '%s%n',
  '${constructor}',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  'then',
  'null',
  'NaN',
  '-1',
  '[]',
  '{}',
  '"],["x',
  '\\u0000',
  '\\x00',
  '\\',
  '\n\r\t\b\f',
  '\u2028\u2029',
  '\u202Eevil',
  'é',
  'é',
  'ﬀ',
  '😀',
  ' ',
  '\u00A0',
  '\uFEFF',
  '\uFFFF',
  '\uFFFD',
  'a\0b',
  '\0',
  '\uD800',
  '\uDC00x',
  '',
  'x'.repeat(1_000),
  'x'.repeat(1_001),
  'é'.repeat(500),
  '€'.repeat(334),
  'x'.repeat(100_000),
] as const

const hostileText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
)
/** Mostly text; now and then what only a program without types would give. */
const hostile = fc.oneof(
  { weight: 12, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }) },
)
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 1 })

/** Names that can be event types; the others are refused where they are defined. */
const types = words.filter((word) => {
  try {
    defineEvents('hostile', { [word]: typed<Json>() })
    return true
  } catch (error) {
    if (!isRillflowError(error, 'InvalidConfig')) throw error
    return false
  }
})

const HostileEvents = defineEvents('hostile', Object.fromEntries(types.map((type) => [type, typed<Json>()])))

const plan = fc.record({
  streamId: hostile,
  type: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...types) }, { weight: 1, arbitrary: hostile }),
  data: fc.oneof(hostileText, fc.dictionary(hostileText, hostileText, { maxKeys: 3 })),
  id: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: fc.uuid() }, hostile),
  causationId: maybe(hostile),
  correlationId: maybe(hostile),
  headers: maybe(fc.oneof({ weight: 6, arbitrary: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }) }, hostile)),
  category: maybe(hostile),
  expected: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(undefined, 'any') },
    { weight: 1, arbitrary: fc.constantFrom('noStream', 'streamExists', 0, 1, Number.MAX_SAFE_INTEGER) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<unknown>(-1, -2, 1.5, Number.NaN, 2 ** 53, 1n, '0', '-1', true, [], {}, 'toString'),
    },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: hostile },
  ),
  way: fc.constantFrom('store', 'transaction', 'session'),
})
type Plan = typeof plan extends fc.Arbitrary<infer Each> ? Each : never

function openStore() {
  return createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema: 'hostile"; drop table canary; --' }),
    modules: { events: events({ hostile: HostileEvents }) },
    // With headers in the context too, those of the append are merged, which is a path of its own.
    context: { headers: { wide: true } },
  })
}

let store: ReturnType<typeof openStore>

beforeAll(async () => {
  store = openStore()
  await database.query("create table canary as select 'alive' as state")
  await sync(store)
})

/** Appends as told and gives the stored event back. */
async function roundTrip(each: Plan): Promise<unknown> {
  const { way, streamId, expected, category, headers, ...event } = each
  const id = streamId as string
  const list = [event as { type: string; data: Json }]
  const options = { expected, category, headers } as { expected: 'any' }
  const version = await (async () => {
    if (way === 'store') return (await store.events.append(id, list, options)).version
    if (way === 'transaction') {
      return store.transaction(async (tx) => (await tx.events.append(id, list, options)).version)
    }
    const session = store.session()
    session.events.append(id, list, options)
    return (await session.saveChanges()).events[0]?.version ?? 0
  })()
  const [stored] = await store.events.readStream(id, { from: version, to: version }).toArray()
  return stored
}

/** Tells whether the options that are not read back were of the kind that they must be. */
function meansSomething({ expected, headers }: Plan): boolean {
  const known = [undefined, 'any', 'noStream', 'streamExists'].includes(expected as string)
  const isVersion = Number.isSafeInteger(expected) && (expected as number) >= 0
  const isObject = typeof headers === 'object' && headers !== null && !Array.isArray(headers)
  const isPlain = isObject && [Object.prototype, null].includes(Object.getPrototypeOf(headers) as object | null)
  return (known || isVersion) && (headers === undefined || isPlain)
}

test(`${CASES} hostile appends are stored as they are, or refused with an error of ours (seed ${seed})`, async () => {
  const before = await namesInDatabase()
  const tally = { stored: 0, refused: 0 }
  const strangers: unknown[] = []
  for (const each of fc.sample(plan, { numRuns: CASES, seed })) {
    try {
      const stored = await roundTrip(each)
      tally.stored += 1
      expect(meansSomething(each), 'what was given has no meaning, and was taken all the same').toBe(true)
      expect(stored).toMatchObject({ streamId: each.streamId, type: each.type, data: each.data })
      expect(stored).toMatchObject({ causationId: each.causationId ?? undefined })
      expect(stored).toMatchObject({ correlationId: each.correlationId ?? undefined })
      expect((stored as { headers: unknown }).headers).toEqual({
        wide: true,
        ...(each.headers as Record<string, string> | undefined),
      })
      if (each.id !== undefined && each.id !== null) expect(stored).toMatchObject({ id: each.id })
    } catch (error) {
      if (isRillflowError(error) && !['DatabaseError', 'DriverError', 'SchemaMissing'].includes(error.code)) {
        tally.refused += 1
      } else {
        strangers.push({ error: String(error).slice(0, 200), each: inspect(each, { maxStringLength: 40 }) })
      }
    }
  }
  expect(strangers.slice(0, 3)).toEqual([])
  expect(tally.stored).toBeGreaterThan(CASES / 10)
  expect(tally.refused).toBeGreaterThan(CASES / 10)
  expect((await database.query('select * from canary')).rows).toEqual([{ state: 'alive' }])
  expect(await namesInDatabase()).toEqual(before)
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>)['wide']).toBeUndefined()
})

test('hostile ranges and stream ids of reads are answered or refused with an error of ours', async () => {
  const strangers: string[] = []
  const options = fc.record(
    { from: hostile, to: hostile, limit: hostile, pageSize: hostile, direction: hostile },
    { requiredKeys: [] },
  )
  for (const [streamId, each, after] of fc.sample(fc.tuple(hostile, options, hostile), { numRuns: CASES / 4, seed })) {
    const reads = [
      () => store.events.readStream(streamId as string, each as object).toArray(),
      () => store.events.readStream(streamId as string).toArray(),
      () => store.events.readAll({ after } as object).toArray(),
    ]
    for (const read of reads) {
      const error: unknown = await (async () => read())().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (error !== undefined && !isRillflowError(error, 'InvalidArgument')) strangers.push(inspect(error))
    }
  }
  expect(strangers).toEqual([])
})

test('types that no server could store are refused where they are defined', () => {
  expect(words.filter((word) => !(types as readonly string[]).includes(word))).toEqual(
    words.filter(
      (word) => word === '' || word.includes('\0') || !word.isWellFormed() || Buffer.byteLength(word) > 1_000,
    ),
  )
})

test.runIf(inject('rillflowPostgres').kind === 'embedded')('the server has seen nothing malformed', async () => {
  const log = await database.log()
  expect(log.split('\n').filter((line) => / (42\w{3}|08P01|22\w{3}|XX000) (ERROR|FATAL|PANIC):/.test(line))).toEqual([])
})

/** Every table and function outside the server's own schemas. */
async function namesInDatabase(): Promise<readonly unknown[]> {
  const { rows } = await database.query(
    `select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
      union all
      select n.nspname, p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
      order by 1, 2`,
  )
  return rows
}
