import { join } from 'node:path'
import { isRillflowError } from '@rillflow/core'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { countRaces } from './support/check-errors.js'
import { checkStored } from './support/check-stored.js'
import { withChildren } from './support/child.js'
import type { Attempt } from './support/history.js'
import { keepStored, readRecord, withHistory } from './support/history-folder.js'
import { makeSchema, openStore, type ReliabilityStore, type ReliabilityTransaction } from './support/open-store.js'
import { readStored } from './support/read-stored.js'
import { countProblems } from './support/violation.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const processes = 4
const callers = 8
const appends = long ? 10 : 3
const total = processes * callers * appends

let server: EmbeddedPostgres
let pool: pg.Pool
let strictUrl: string
let made = 0
const stores: ReliabilityStore[] = []

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { deadlock_timeout: '50ms' } })
  pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => undefined)
  await pool.query(`create role strict superuser login password 'strict';
    alter role strict set default_transaction_isolation = 'serializable'`)
  const url = new URL(server.url)
  url.username = 'strict'
  url.password = 'strict'
  strictUrl = url.href
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

afterAll(async () => {
  await pool.end()
  await server.stop()
})

async function newSchema(): Promise<string> {
  made += 1
  await makeSchema(server.url, `contention_${made}`)
  return `contention_${made}`
}

/** The server's log of what happens from now on. */
async function logFromHere(): Promise<() => Promise<string>> {
  const before = (await server.log()).length
  return async () => (await server.log()).slice(before)
}

interface Contest {
  readonly errors: readonly string[]
  readonly races: ReturnType<typeof countRaces>
}

/** 32 callers in 4 processes append to one stream, and every append succeeds within the budget. */
async function contend(name: string, options: { url: string; expected: 'any' | 'version' }): Promise<Contest> {
  const schema = await newSchema()
  const log = await logFromHere()
  // A conflict tells that somebody else's append succeeded meanwhile, so nobody can have more of them than there are appends.
  const job = { ...options, schema, callers, appends, streamId: 'contended', budget: total }
  return withHistory(`contention-${name}`, async (folder) => {
    const files = Array.from({ length: processes }, (_, index) => join(folder, `contender-${index}.jsonl`))
    const errors = await withChildren(async (start) => {
      const children = files.map((file) => start<{ errors: readonly string[] }>('contender', { ...job, file }))
      await Promise.all(children.map((child) => child.ready()))
      for (const child of children) child.send('go')
      return (await Promise.all(children.map((child) => child.done()))).flatMap((end) => end.errors)
    })
    const attempts = (await Promise.all(files.map((file) => readRecord<Attempt>(file)))).flat()
    const stored = await readStored(pool, schema)
    await keepStored(folder, stored)
    expect(stored.events).toHaveLength(total)
    expect(countProblems(checkStored(attempts, stored))).toEqual({})
    return { errors: [...new Set(errors)].toSorted(), races: countRaces(await log()) }
  })
}

describe(`R13: ${processes * callers} writers on one stream, ${total} appends`, { timeout: 300_000 }, () => {
  test('expecting anything: all succeed, and no error is seen by anybody', async () => {
    const { errors, races } = await contend('any', { url: server.url, expected: 'any' })
    expect(errors).toEqual([])
    expect(races).toEqual({ '40001': 0, '40P01': 0, '23505': 0 })
  })

  test('expecting a version: all succeed in the end, and conflicts are the only error', async () => {
    const { errors, races } = await contend('version', { url: server.url, expected: 'version' })
    expect(errors).toEqual(['VersionConflict'])
    expect(races).toEqual({ '40001': 0, '40P01': 0, '23505': 0 })
  })

  test.each([
    ['any', /^SerializationFailure$/],
    ['version', /^(SerializationFailure|VersionConflict)$/],
  ] as const)('as a serializable role, expecting %s: each error is typed', async (expected, allowed) => {
    const { errors, races } = await contend(`serializable-${expected}`, { url: strictUrl, expected })
    expect(races['40001'], 'the server did refuse some').toBeGreaterThan(0)
    expect(errors.filter((code) => !allowed.test(code))).toEqual([])
  })
})

/** Two transactions, each of which has done its first step before either does its second. */
interface Duel {
  readonly runs: number
  readonly errors: readonly unknown[]
  readonly races: ReturnType<typeof countRaces>
  readonly versions: Readonly<Record<string, number>>
}

type Step = (tx: ReliabilityTransaction) => Promise<unknown>

const appendTo =
  (streamId: string): Step =>
  (tx) =>
    tx.events.append(streamId, [{ type: 'Placed', data: {} }])

async function fight(
  url: string,
  attempts: number | undefined,
  sides: readonly (readonly [first: Step, second: Step])[],
): Promise<Duel> {
  const schema = await newSchema()
  const log = await logFromHere()
  const bothBegan = barrier(sides.length)
  let runs = 0
  const store = openStore({ url }, schema, attempts)
  stores.push(store)
  const results = await Promise.allSettled(
    sides.map(([first, second]) =>
      store.transaction(async (tx) => {
        runs += 1
        await first(tx)
        await bothBegan()
        await second(tx)
      }),
    ),
  )
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  const { streams } = await readStored(pool, schema)
  return { runs, errors, races: countRaces(await log()), versions: Object.fromEntries(streams) }
}

const crossed = [
  [appendTo('a'), appendTo('b')],
  [appendTo('b'), appendTo('a')],
] as const

const lookThenAppend = [
  [(tx) => tx.sql`select 1`, appendTo('a')],
  [(tx) => tx.sql`select 1`, appendTo('a')],
] as const satisfies readonly (readonly [Step, Step])[]

describe('R13: transactions that the server must break', () => {
  test('a deadlock: the loser is run again and both succeed', async () => {
    const { runs, errors, races, versions } = await fight(server.url, undefined, crossed)
    expect({ errors, versions }).toEqual({ errors: [], versions: { a: 2, b: 2 } })
    // More than one when the loser is back before the winner has gone on.
    expect(races['40P01']).toBeGreaterThan(0)
    expect(runs).toBe(2 + races['40P01'])
  })

  test('a serialization failure: the loser is run again and both succeed', async () => {
    const { runs, errors, races, versions } = await fight(strictUrl, undefined, lookThenAppend)
    expect({ errors, versions }).toEqual({ errors: [], versions: { a: 2 } })
    expect(races['40001']).toBeGreaterThan(0)
    expect(runs).toBe(2 + races['40001'])
  })

  test.each([
    ['Deadlock', () => server.url, crossed, { a: 1, b: 1 }],
    ['SerializationFailure', () => strictUrl, lookThenAppend, { a: 1 }],
  ] as const)('without a second attempt the loser gets %s, typed and retryable', async (code, url, sides, versions) => {
    const duel = await fight(url(), 1, sides)
    expect(duel.errors).toHaveLength(1)
    expect(isRillflowError(duel.errors[0], code)).toBe(true)
    expect(duel.errors[0]).toMatchObject({ retryable: true })
    expect(duel).toMatchObject({ runs: 2, versions })
  })
})
