import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import { Client, type Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleFixture, type BundledFixture } from './bundle-fixture.js'
import { newStore } from './events-database.js'
import { openPool } from './open-pool.js'

const ROUNDS = 200
const CHECKS = 5_000

let server: EmbeddedPostgres
let pool: Pool
let fixture: BundledFixture

beforeAll(async () => {
  fixture = await bundleFixture('create-streams')
  server = await startPostgres({ from: 'embedded' })
  pool = openPool(server.url, 3)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
  fixture[Symbol.dispose]()
})

/** What a process tells, in order. */
function startRacer(schema: string): { child: ChildProcess; answers: unknown[]; ended: Promise<unknown> } {
  const child = fork(fixture.file, [server.url, schema, String(ROUNDS)], { execArgv: [] })
  const answers: unknown[] = []
  child.on('message', (answer) => answers.push(answer))
  // Not at its exit: what it has told may still be on the way then.
  const ended = new Promise((resolve) => child.once('disconnect', resolve))
  return { child, answers, ended }
}

async function untilWaiting(gate: Client, round: number, racers: readonly ChildProcess[]): Promise<void> {
  for (let check = 0; check < CHECKS; check += 1) {
    const { rowCount } = await gate.query(
      "select 1 from pg_locks where locktype = 'advisory' and objsubid = 2 and classid = 1 and objid = $1 and not granted",
      [round],
    )
    if (rowCount === 2) return
    if (racers.some((racer) => racer.exitCode !== null)) break
    await pause(2)
  }
  throw new Error(`The two processes never came to the gate of round ${round}.`)
}

test(`of two processes that create one stream ${ROUNDS} times, one wins and the other has a conflict`, async () => {
  const { store, schema } = await newStore(pool)
  const gate = new Client({ connectionString: server.url })
  await gate.connect()
  for (let round = 1; round <= ROUNDS; round += 1) await gate.query('select pg_advisory_lock(1, $1)', [round])
  const racers = [startRacer(schema), startRacer(schema)]
  const children = racers.map((racer) => racer.child)
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      await untilWaiting(gate, round, children)
      await gate.query('select pg_advisory_unlock(1, $1)', [round])
    }
    await Promise.all(racers.map((racer) => racer.ended))
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await gate.end()
  }
  const [one, other] = racers.map((racer) => racer.answers) as [unknown[], unknown[]]
  const won = { version: 1 }
  const lost = { code: 'VersionConflict', actual: 1 }
  const rounds = one.map((answer, index) => [answer, other[index]])
  expect(rounds).toHaveLength(ROUNDS)
  expect(rounds.filter((pair) => !isOneEach(pair, won, lost))).toEqual([])
  const events = await store.events.readAll().toArray()
  expect(new Set(events.map((event) => event.streamId)).size).toBe(ROUNDS)
  expect(events).toHaveLength(ROUNDS)
})

function isOneEach(pair: readonly unknown[], won: unknown, lost: unknown): boolean {
  const texts = pair.map((each) => JSON.stringify(each)).toSorted()
  return JSON.stringify(texts) === JSON.stringify([won, lost].map((each) => JSON.stringify(each)).toSorted())
}
