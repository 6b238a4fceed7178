import type { RillflowError } from '@rillflow/core'
import { defineProjection, toTable, type Projection } from '@rillflow/projections'
import { givenEvents } from '@rillflow/testing'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { newStore, type TestStore } from './support/store-of.js'
import { added, families, Tallies, tallies, tallyRows } from './support/tally.js'

const database = useDatabase({ max: 8 })

/** An event and its stream. */
type Happening = { readonly streamId: string } & (
  ReturnType<typeof added> | { readonly type: 'Reset' | 'Kept'; readonly data: object }
)

const keys = ['a', 'b', 'c']

async function append(store: TestStore, { streamId, type, data }: Happening): Promise<void> {
  await store.events.append(streamId, [{ type, data } as ReturnType<typeof added>])
}

async function tallyDocs(store: TestStore, prefix = ''): Promise<Record<string, object>> {
  const read = await Promise.all(
    keys.map(async (key) => [prefix + key, await store.docs.tallies.get(prefix + key)] as const),
  )
  return Object.fromEntries(read.flatMap(([key, doc]) => (doc === undefined ? [] : [[key, doc]])))
}

interface Drawn {
  readonly streamId: string
  readonly type: 'Added' | 'Reset' | 'Kept'
  readonly n: number
  readonly to: readonly string[] | undefined
}

/** What happens to three tallies, each stream of which may add to others. */
const happenings = fc.array(
  fc.record<Drawn>({
    streamId: fc.constantFrom(...keys),
    type: fc.constantFrom('Added', 'Reset', 'Kept'),
    n: fc.integer({ min: -9, max: 9 }),
    to: fc.option(fc.uniqueArray(fc.constantFrom(...keys)), { nil: undefined }),
  }),
  { maxLength: 12 },
)

/** The same with a prefix, so that each run has documents of its own. */
function named(prefix: string, list: readonly Drawn[]): readonly Happening[] {
  return list.map((drawn) => {
    const streamId = prefix + drawn.streamId
    const to = (drawn.to ?? []).map((key) => prefix + key)
    return drawn.type === 'Added' ? { streamId, ...added(drawn.n, ...to) } : { streamId, type: drawn.type, data: {} }
  })
}

describe('a scenario finds the documents of the store', () => {
  test('in a collection, and in a table', { timeout: 120_000 }, async () => {
    const [Docs, Rows] = [tallies('inline'), tallyRows('inline')]
    const { store, schema } = await newStore(database.pool, [Docs, Rows])
    let runs = 0
    let found = 0
    await fc.assert(
      fc.asyncProperty(happenings, async (list) => {
        runs += 1
        const prefix = `${runs}-`
        const events = named(prefix, list)
        for (const event of events) await append(store, event)
        const docs = await tallyDocs(store, prefix)
        found += Object.keys(docs).length
        await givenEvents(Docs, events).thenDocuments(docs as never)
        const { rows } = await database.query<{ name: string; sum: number }>(
          `select name, sum from ${schema}.tally_rows where name like $1 order by name`,
          [`${prefix}%`],
        )
        await givenEvents(Rows, events).thenDocuments(Object.fromEntries(rows.map((row) => [row.name, row])))
      }),
      { numRuns: 60 },
    )
    expect(found).toBeGreaterThan(30)
  })

  test('by the events that its filter chooses', async () => {
    const Chosen = defineProjection('chosen', {
      version: 1,
      mode: 'inline',
      from: [families.tally, families.note],
      to: Tallies,
      filter: { streamPrefix: 'a', categories: ['tally'] },
      on: {
        Added: (doc, { data }, id) => ({ id, sum: (doc?.sum ?? 0) + data.n }),
        Noted: (_, __, id) => ({ id, sum: 0 }),
      },
    })
    const { store } = await newStore(database.pool, [Chosen])
    const events = [
      { streamId: 'a', type: 'Added', data: { n: 1 } },
      { streamId: 'b', type: 'Added', data: { n: 1 } },
      { streamId: 'ab', type: 'Noted', data: { text: 'begins a stream of notes' } },
      { streamId: 'ab', type: 'Added', data: { n: 1 } },
      { streamId: 'a', type: 'Reset', data: {} },
      { streamId: 'a', type: 'Added', data: { n: 1 } },
    ] as const
    for (const { streamId, type, data } of events) await store.events.append(streamId, [{ type, data } as never])
    expect(await store.docs.tallies.get('a')).toEqual({ id: 'a', sum: 2, unit: 'one' })
    expect(await tallyDocs(store)).toEqual({ a: { id: 'a', sum: 2, unit: 'one' } })
    expect(await store.docs.tallies.get('ab')).toBeUndefined()
    await givenEvents(Chosen, events).thenDocuments({ a: { id: 'a', sum: 2, unit: 'one' } })
  })

  test('of a live projection', async () => {
    const Live = defineProjection('live', {
      version: 1,
      mode: 'live',
      from: [families.tally],
      to: { name: 'live', schema: z.object({ at: z.date(), sum: z.number(), unit: z.string().default('one') }) },
      on: {
        Added: (doc, { data }) => ({ at: new Date(7), sum: (doc?.sum ?? 0) + data.n }),
        Reset: () => undefined,
      },
    })
    const { store } = await newStore(database.pool, [Live])
    const happened = (['a', 'b', 'a'] as const).map((streamId) => ({ streamId, ...added(2) }))
    const events = [...happened, { streamId: 'b', type: 'Reset', data: {} } as const]
    for (const event of events) await append(store, event)
    const doc = await store.projections.live(Live, 'a')
    expect(doc).toEqual({ at: new Date(7), sum: 4, unit: 'one' })
    expect(await store.projections.live(Live, 'b')).toBeUndefined()
    await givenEvents(Live, events).thenDocument('a', (made) => expect(made).toStrictEqual(doc))
    await givenEvents(Live, events).thenNoDocument('b')
  })
})

/** Handlers that fail as the event says. */
const odd: Readonly<Record<string, (doc: unknown, key: string) => unknown>> = {
  promise: async (_, id) => Promise.resolve({ id, sum: 1 }),
  text: () => 'a document',
  list: () => [],
  nothing: () => null,
  'what does not fit': (_, id) => ({ id, sum: 'much' }),
  'another id': () => ({ id: 'another', sum: 1 }),
  'what JSON cannot hold': (_, id) => ({ id, sum: 1, unit: 'nul\0' }),
  'a change in place': (doc) => ((doc as { sum: number }).sum = 7),
  throw: () => {
    throw new RangeError('no more')
  },
}

function oddOn(_: unknown, { data }: { readonly data: object }, key: string): never {
  return odd[(data as { how: string }).how]?.(_, key) as never
}

const OddDocs = defineProjection('odd-docs', {
  version: 1,
  mode: 'inline',
  from: [families.tally],
  to: Tallies,
  key: ({ data, streamId }) => ('to' in data ? data.to : streamId),
  on: { Added: (_, __, id) => ({ id, sum: 1 }), Kept: oddOn },
})
const OddRows = defineProjection('odd-rows', {
  version: 1,
  mode: 'inline',
  from: [families.tally],
  to: toTable('odd_rows', {
    key: 'name',
    schema: z.object({ name: z.string(), sum: z.number(), unit: z.string().optional() }),
  }),
  migrations: [
    {
      number: 1,
      name: 'rows',
      sql: 'create table :"schema".odd_rows (name text primary key, sum double precision not null, unit text)',
    },
  ],
  key: ({ data, streamId }) => ('to' in data ? data.to : streamId),
  on: {
    Added: (_, __, name) => ({ name, sum: 1 }),
    Kept: (doc, event, name) => {
      const made: unknown = oddOn(doc, event, name)
      if (typeof made !== 'object' || made === null || !('id' in made)) return made as never
      const { id, ...rest } = made
      return { name: id, ...rest } as never
    },
  },
})

/** An error as far as it does not tell of when and where it was thrown. */
function told(error: unknown): unknown {
  const { code, message, cause, eventType, streamId, key } = error as RillflowError & Readonly<Record<string, unknown>>
  const shown = cause === undefined ? undefined : told(cause)
  return { code, message: message.replace(/at position \d+/, 'at position n'), eventType, streamId, key, cause: shown }
}

const failures = Object.entries<{ readonly type: string; readonly data: object }>({
  ...Object.fromEntries(Object.keys(odd).map((how) => [`a handler with ${how}`, { type: 'Kept', data: { how } }])),
  'an empty key': added(1, ''),
  'a key that is too long': added(1, 'é'.repeat(513)),
  'a key that is no text': added(1, 7 as never),
  'data that JSON cannot hold': added(Number.NaN),
})

describe.each<[string, Projection]>([
  ['collection', OddDocs],
  ['table', OddRows],
])('a scenario fails as the store does, with a %s', (_kind, projection) => {
  test.each(failures)('by %s', async (_, failing) => {
    const event = { streamId: 'a', ...failing } as Happening
    const { store } = await newStore(database.pool, [projection])
    const first = { streamId: 'a', type: 'Added', data: { n: 1 } } as const
    await append(store, first)
    const failed = await append(store, event).then(
      () => undefined,
      (error: unknown) => error,
    )
    const happened = givenEvents(projection, [first]).when([event])
    expect(failed).toBeDefined()
    const { code } = failed as RillflowError
    await happened.thenError(code)
    const { cause } = failed as RillflowError
    if (code === 'ProjectionFailed') await happened.thenError((error) => expect(told(error)).toEqual(told(failed)))
    if (cause instanceof Error) await happened.thenError({ message: cause.message })
  })
})

test('events handed over twice change what is summed up, and nothing of what is set', async () => {
  const Summed = tallies('async')
  const twice = givenEvents(Summed, [{ streamId: 'a', ...added(1) }]).when([{ streamId: 'a', ...added(2) }], {
    times: 2,
  })
  await expect(twice.thenDocument('a', { id: 'a', sum: 3, unit: 'one' })).rejects.toThrow('handed over a second time')
  const Last = defineProjection('last', {
    version: 1,
    from: [families.tally],
    to: Tallies,
    on: { Added: (_, { data }, id) => ({ id, sum: data.n }), Reset: () => undefined },
  })
  const events = [{ streamId: 'a', ...added(2) }, { streamId: 'b', type: 'Reset', data: {} } as const]
  await givenEvents(Last, [{ streamId: 'b', ...added(1) }])
    .when(events, { times: 2 })
    .thenDocuments({ a: { id: 'a', sum: 2, unit: 'one' } })
})
