import { isRillflowError } from '@rillflow/core'
import { defineSubscription } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startRun } from './support/start-run.js'
import { newStore, OrderEvents, placed } from './support/test-store.js'
import { until } from './support/until.js'

const database = useDatabase({ max: 20 })

/** What has broken programs before: quotes, SQL, paths, invisible and incomplete text, very long text. */
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  fc.constantFrom(
    '',
    ' ',
    "'",
    '"',
    '\\',
    '$1',
    '--',
    '/*',
    '*/',
    ';',
    '%',
    '_',
    '/',
    ':',
    '\0',
    'a\0b',
    '\uD800',
    '\uDC00a',
    '\u202Eabc',
    'null',
    '__proto__',
    'constructor',
    "'; drop table consumers; --",
    '{"$ne": 1}',
    '../../etc/passwd',
    '\n\r\t',
    '😀'.repeat(50),
    '😀'.repeat(51),
    'x'.repeat(200),
    'x'.repeat(201),
    'é',
    'e\u0301',
  ),
  fc.string({ minLength: 190, maxLength: 210 }),
)

/** 200 pairs of a name and a group, the same in each run of the same seed. */
function pairs(): readonly (readonly [string, string])[] {
  const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
  console.log(`seed ${seed}`)
  return fc.sample(fc.tuple(hostile, hostile), { seed, numRuns: 200 })
}

test('200 hostile names of subscriptions and groups come back as they are, or are refused by name', async () => {
  const { store, schema } = await newStore(database.pool)
  const { subscriptions } = store
  const stored = new Set<string>()
  for (const [name, group] of pairs()) {
    try {
      await subscriptions.create(name, { group })
    } catch (error) {
      expect(isRillflowError(error, 'InvalidArgument'), JSON.stringify([name, group])).toBe(true)
      expect(() => defineSubscription(group === '' ? '' : name, { from: [OrderEvents] })).toSatisfy(
        (define: () => unknown) => {
          const isFine = [name, group].map(
            (text) => text !== '' && text.isWellFormed() && !text.includes('\0') && Buffer.byteLength(text) <= 200,
          )
          // The definition knows the name alone, and refuses it the same.
          return isFine[0] === true || throws(define)
        },
      )
      continue
    }
    stored.add(JSON.stringify([name, group]))
    expect(await subscriptions.status(name, { group })).toMatchObject({ name, group })
    await subscriptions.pause(name, { group })
    await subscriptions.resume(name, { group })
    await subscriptions.setMaxInFlight(name, 3, { group })
    await subscriptions.reset(name, 1, { group })
    expect((await subscriptions.groups(name)).map((each) => each.group)).toContain(group)
    expect(await subscriptions.deadLetters.list(name, { group })).toEqual([])
    expect(await subscriptions.deadLetters.requeueAll(name, { group })).toBe(0)
  }
  expect(stored.size).toBeGreaterThan(20)
  const listed = (await subscriptions.list()).map(({ name, group }) => JSON.stringify([name, group]))
  expect(new Set(listed)).toEqual(stored)
  // Everything is there still, and no statement was broken by a name.
  const { rowCount } = await database.query(
    `select from "${schema}".consumers where position = 1 and max_in_flight = 3`,
  )
  expect(rowCount).toBe(stored.size)
  expect(await database.log()).not.toMatch(/\b(42\w{3}|08P01)\b/)
}, 120_000)

function throws(define: () => unknown): boolean {
  try {
    define()
    return false
  } catch (error) {
    return isRillflowError(error)
  }
}

test('a run under a hostile name and group works, fails and is mended like any other', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('o\'rder\\-"1', placed(2))
  for (const text of ['a\'b"c\\', '$1 -- /*', '{x,"y"}', '\n', '😀'.repeat(50), '%2F/:']) {
    const Named = defineSubscription(text, { from: [OrderEvents], types: ['OrderPlaced'] })
    const options = { group: text, lease: { duration: 600, poll: 10 }, retry: { attempts: 1 } } as const
    let broken = true
    const keys: string[] = []
    startRun(
      store,
      Named,
      ({ key }) => {
        if (broken) throw new Error(text)
        keys.push(key)
      },
      options,
    )
    await until(async () => (await store.subscriptions.deadLetters.list(text, { group: text })).length === 2)
    const [letter] = await store.subscriptions.deadLetters.list(text, { group: text })
    expect(letter).toMatchObject({ name: text, group: text, streamId: 'o\'rder\\-"1', error: { message: text } })
    broken = false
    await store.subscriptions.deadLetters.requeue(letter?.id ?? '')
    await until(() => keys.length === 2)
    await store.subscriptions.remove(text, { group: text })
  }
})
