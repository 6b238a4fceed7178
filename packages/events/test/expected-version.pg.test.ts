import { isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import type { PoolClient } from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AppendResult, ExpectedVersion } from '../src/index.js'
import { backendOf, inTransaction, untilBlockedBy, waitsFor } from './support/blocking.js'
import { added, newStore, type TestStore } from './support/test-store.js'

const database = useDatabase({ max: 5 })
let store: TestStore
let schema: string

beforeAll(async () => {
  ;({ store, schema } = await newStore(database.pool))
})

/** The version that an append led to, or the actual one that its conflict told. */
type Outcome = { readonly version: number } | { readonly actual: number }

async function outcomeOf(append: Promise<{ readonly version: number }>, expected: ExpectedVersion): Promise<Outcome> {
  try {
    return { version: (await append).version }
  } catch (error) {
    if (!isRillflowError(error, 'VersionConflict')) throw error
    expect(error).toMatchObject({ subject: 'stream', expected, retryable: false })
    return { actual: (error as unknown as { actual: number }).actual }
  }
}

let streams = 0

/** A stream of so many events; none makes no stream. */
async function streamOf(count: number): Promise<string> {
  streams += 1
  const streamId = `stream-${streams}`
  if (count > 0) await store.events.append(streamId, added(count))
  return streamId
}

async function versionsOf(streamId: string): Promise<readonly number[]> {
  return (await store.events.readStream(streamId).toArray()).map((event) => event.version)
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

interface Case {
  readonly expected: ExpectedVersion
  readonly before: number
  readonly outcome: Outcome
}

describe('nobody else writes', () => {
  const cases: readonly Case[] = [
    { expected: 'any', before: 0, outcome: { version: 2 } },
    { expected: 'any', before: 3, outcome: { version: 5 } },
    { expected: 'noStream', before: 0, outcome: { version: 2 } },
    { expected: 'noStream', before: 3, outcome: { actual: 3 } },
    { expected: 0, before: 0, outcome: { version: 2 } },
    { expected: 0, before: 3, outcome: { actual: 3 } },
    { expected: 'streamExists', before: 0, outcome: { actual: 0 } },
    { expected: 'streamExists', before: 3, outcome: { version: 5 } },
    { expected: 3, before: 0, outcome: { actual: 0 } },
    { expected: 3, before: 3, outcome: { version: 5 } },
    { expected: 3, before: 2, outcome: { actual: 2 } },
    { expected: 3, before: 4, outcome: { actual: 4 } },
    { expected: Number.MAX_SAFE_INTEGER, before: 3, outcome: { actual: 3 } },
  ]

  test.each(cases)('expected $expected of a stream at $before: $outcome', async ({ expected, before, outcome }) => {
    const streamId = await streamOf(before)
    expect(await outcomeOf(store.events.append(streamId, added(2), { expected }), expected)).toEqual(outcome)
    expect(await versionsOf(streamId)).toEqual(upTo('version' in outcome ? outcome.version : before))
  })

  test('nothing told is "any"', async () => {
    const streamId = await streamOf(3)
    expect((await store.events.append(streamId, added(1))).version).toBe(4)
  })
})

describe('an earlier append to the stream is not committed yet', () => {
  interface Race {
    readonly expected: ExpectedVersion
    /** The stream's version that both begin with; the earlier append adds one event. */
    readonly before: number
    readonly waits: boolean
    readonly commit: Outcome
    readonly rollback: Outcome
  }

  const races: readonly Race[] = [
    { expected: 'any', before: 0, waits: true, commit: { version: 2 }, rollback: { version: 1 } },
    { expected: 'noStream', before: 0, waits: true, commit: { actual: 1 }, rollback: { version: 1 } },
    { expected: 0, before: 0, waits: true, commit: { actual: 1 }, rollback: { version: 1 } },
    // What is not committed is not there, so these two have nothing to wait for.
    { expected: 'streamExists', before: 0, waits: false, commit: { actual: 0 }, rollback: { actual: 0 } },
    { expected: 1, before: 0, waits: false, commit: { actual: 0 }, rollback: { actual: 0 } },
    { expected: 'any', before: 2, waits: true, commit: { version: 4 }, rollback: { version: 3 } },
    { expected: 'noStream', before: 2, waits: true, commit: { actual: 3 }, rollback: { actual: 2 } },
    { expected: 0, before: 2, waits: true, commit: { actual: 3 }, rollback: { actual: 2 } },
    { expected: 'streamExists', before: 2, waits: true, commit: { version: 4 }, rollback: { version: 3 } },
    { expected: 2, before: 2, waits: true, commit: { actual: 3 }, rollback: { version: 3 } },
    { expected: 3, before: 2, waits: false, commit: { actual: 2 }, rollback: { actual: 2 } },
  ]

  const each = races.flatMap((race) => (['commit', 'rollback'] as const).map((end) => ({ ...race, end })))

  test.each(each)('expected $expected of a stream at $before, then $end', async (race) => {
    const { expected, before, waits, end } = race
    const streamId = await streamOf(before)
    await inTransaction(database.pool, async (holder) => {
      const first = await store.transaction({ client: holder }, (tx) => tx.events.append(streamId, added(1)))
      expect(first.version).toBe(before + 1)
      const second = outcomeOf(store.events.append(streamId, added(1), { expected }), expected)
      expect(await waitsFor(database.pool, await backendOf(holder), second)).toBe(waits)
      await holder.query(end)
      expect(await second).toEqual(race[end])
    })
    const survived = before + (end === 'commit' ? 1 : 0)
    const outcome = race[end]
    expect(await versionsOf(streamId)).toEqual(upTo('version' in outcome ? outcome.version : survived))
  })
})

describe('the stream comes to be as expected between the look and the answer', () => {
  const gate = 4_242

  // The update has its snapshot when this runs, so the test decides what happens between its look and the one at the
  // actual version.
  beforeAll(async () => {
    await database.query(`
      create function "${schema}".wait_at_gate() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(${gate}); return null; end $$;
      create trigger gate before update on "${schema}".streams for each statement
        when (current_setting('test.gate', true) = 'closed')
        execute function "${schema}".wait_at_gate()`)
  })

  interface Late {
    readonly expected: ExpectedVersion
    readonly before: number
    readonly meanwhile: number
    readonly outcome: Outcome
  }

  const cases: readonly Late[] = [
    { expected: 1, before: 0, meanwhile: 1, outcome: { version: 2 } },
    { expected: 3, before: 2, meanwhile: 1, outcome: { version: 4 } },
    { expected: 'streamExists', before: 0, meanwhile: 1, outcome: { version: 2 } },
    { expected: 1, before: 0, meanwhile: 2, outcome: { actual: 2 } },
  ]
  // One append and several at once are different statements, with the same gap between their looks.
  const each = cases.flatMap((late) => (['transaction', 'session'] as const).map((way) => ({ ...late, way })))

  test.each(each)('expected $expected at $before, $meanwhile more meanwhile, in a $way: $outcome', async (late) => {
    const { expected, before, meanwhile, outcome, way } = late
    const streamId = await streamOf(before)
    const holder = await database.pool.connect()
    const gated = await database.pool.connect()
    try {
      await holder.query(`select pg_advisory_lock(${gate})`)
      await gated.query("begin; set local test.gate = 'closed'")
      const append = outcomeOf(appendBy(way, gated, { streamId, expected }), expected)
      await untilBlockedBy(database.pool, await backendOf(holder))
      await store.events.append(streamId, added(meanwhile))
      await holder.query(`select pg_advisory_unlock(${gate})`)
      expect(await append).toEqual(outcome)
      await gated.query('commit')
    } finally {
      await holder.query('select pg_advisory_unlock_all()')
      await gated.query('rollback')
      holder.release()
      gated.release()
    }
  })

  async function appendBy(
    way: 'transaction' | 'session',
    client: PoolClient,
    append: { readonly streamId: string; readonly expected: ExpectedVersion },
  ): Promise<AppendResult> {
    const { streamId, expected } = append
    if (way === 'transaction') {
      return store.transaction({ client }, (tx) => tx.events.append(streamId, added(1), { expected }))
    }
    const session = store.session()
    session.events.append(streamId, added(1), { expected })
    return (await session.saveChanges({ client })).events[0] as AppendResult
  }
})
