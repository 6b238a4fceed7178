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
  fixture = await bundleFixture('resolve-aliases')
  server = await startPostgres({ from: 'embedded' })
  pool = openPool(server.url, 3)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
  fixture[Symbol.dispose]()
})

test(`two processes that make one alias ${ROUNDS} times get the same stream each time`, async () => {
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
  const [one, other] = racers.map((racer) => racer.answers) as [string[], string[]]
  expect(one).toHaveLength(ROUNDS)
  expect(other).toEqual(one)
  expect(new Set(one).size).toBe(ROUNDS)
  expect(await store.events.findAlias('raced-1')).toBe(one[0])
})

interface Racer {
  readonly child: ChildProcess
  /** What it tells, in order. */
  readonly answers: unknown[]
  readonly ended: Promise<void>
}

function startRacer(schema: string): Racer {
  const child = fork(fixture.file, [server.url, schema, String(ROUNDS)], { execArgv: [] })
  const answers: unknown[] = []
  child.on('message', (answer) => answers.push(answer))
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
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
