import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'

const CHECKS = 30_000

/** Who races, where, and how often. */
export interface RaceOptions {
  /** A program that waits at the gate of each round, tells one answer for each, and then disconnects. */
  readonly file: string
  readonly url: string
  readonly schema: string
  readonly rounds: number
}

/** What a racer has told, in order. */
type Answers = readonly unknown[]

/** Lets two processes go at the same moment, round after round, and gives the answers of both. */
export async function race({ file, url, schema, rounds }: RaceOptions): Promise<readonly [Answers, Answers]> {
  const gate = new Client({ connectionString: url })
  await gate.connect()
  for (let round = 1; round <= rounds; round += 1) await gate.query('select pg_advisory_lock(1, $1)', [round])
  const start = (): Racer => startRacer(file, [url, schema, String(rounds)])
  const [one, other] = [start(), start()]
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await untilWaiting(gate, round, [one.child, other.child])
      await gate.query('select pg_advisory_unlock(1, $1)', [round])
    }
    await Promise.all([one.ended, other.ended])
  } finally {
    for (const { child } of [one, other]) child.kill('SIGKILL')
    await gate.end()
  }
  return [one.answers, other.answers]
}

interface Racer {
  readonly child: ChildProcess
  readonly answers: Answers
  readonly ended: Promise<unknown>
}

function startRacer(file: string, args: readonly string[]): Racer {
  const child = fork(file, [...args], { execArgv: [] })
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
