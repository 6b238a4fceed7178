import { ContenderHost } from './contender-host.js'
import type { BenchServer } from './server.js'
import type { Round, Suite } from './suite.js'
import { summarize, type Measured, type SuiteResult } from './summarize.js'

const WARM_UP_SHARE = 3

/** How a suite is run. */
export interface RunOptions {
  /** Rounds that count. */
  readonly rounds: number
  readonly seconds: number
  /** 1, or the small share of the seeds that `--quick` uses. */
  readonly scale: number
  readonly say: (line: string) => void
}

/** Runs one suite: all contenders open side by side, and each case in interleaved rounds: A B C, A B C, … */
export async function runSuite(server: BenchServer, suite: Suite, options: RunOptions): Promise<SuiteResult> {
  const entrants: Entrant[] = []
  const databases: string[] = []
  try {
    for (const name of Object.keys(suite.contenders)) {
      options.say(`${suite.name}: ${name} gets ready`)
      const shared = suite.shared?.[name]
      const database = await (shared === undefined ? server.createDatabase() : server.sharedDatabase(shared))
      if (shared === undefined) databases.push(database.name)
      const entrant: Entrant = { name, host: new ContenderHost(suite.name, name) }
      entrants.push(entrant)
      await attempt(entrant, (host) => host.open(database.url, options.scale))
    }
    await server.settle()
    const measured: Measured[] = []
    for (const { name } of suite.cases) measured.push(...(await runCase(name, entrants, { suite, options })))
    return summarize(suite, measured)
  } finally {
    await Promise.all(entrants.map((each) => each.host[Symbol.asyncDispose]()))
    for (const database of databases) await server.dropDatabase(database)
  }
}

/** A contender that takes part until it refuses. */
interface Entrant {
  readonly name: string
  readonly host: ContenderHost
  refusal?: string
}

async function runCase(
  caseName: string,
  entrants: readonly Entrant[],
  { suite, options }: { readonly suite: Suite; readonly options: RunOptions },
): Promise<Measured[]> {
  const rounds = new Map<Entrant, Round[]>(entrants.map((each) => [each, []]))
  for (let number = suite.warmUp === false ? 1 : 0; number <= options.rounds; number += 1) {
    const seconds = number === 0 ? options.seconds / WARM_UP_SHARE : options.seconds
    for (const [entrant, kept] of rounds) {
      const round = await attempt(entrant, (host) => host.round(caseName, seconds))
      if (!round) continue
      const part = number === 0 ? 'warm-up' : `round ${number} of ${options.rounds}`
      options.say(`${suite.name} · ${caseName} · ${part}: ${entrant.name} ${Math.round(round.value)} ${suite.unit}`)
      if (number > 0) kept.push(round)
    }
  }
  return [...rounds].map(([{ name, refusal }, kept]) => ({ caseName, contender: name, rounds: kept, refusal }))
}

async function attempt<Result>(entrant: Entrant, work: (host: ContenderHost) => Promise<Result>) {
  if (entrant.refusal !== undefined) return undefined
  try {
    return await work(entrant.host)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    entrant.refusal = reason.startsWith('not installed') ? reason : `refused: ${reason}`
    return undefined
  }
}
