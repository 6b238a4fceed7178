import { writeFile } from 'node:fs/promises'
import { describeMachine } from './harness/machine.js'
import { parseOptions, USAGE, type Options } from './harness/options.js'
import { runSuite } from './harness/run-suite.js'
import { startServer, type BenchServer } from './harness/server.js'
import type { Suite } from './harness/suite.js'
import { publish } from './report/publish.js'
import { keepNewest, newestResults, writeResults, type RecordedResult } from './report/results.js'
import { figuresTable, targetsTable } from './report/table.js'
import { suites } from './suites/index.js'

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) return console.log(`${USAGE}\n\nSuites:\n${suites.map(describe).join('\n')}`)
  const { results, failed } = await run(choose(options), options)
  const folder = await writeResults(results)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nTargets\n\n${targetsTable(results)}\n\nResults and chart: ${folder}`)
  if (options.publish) await publish(inOrder(await newestResults()))
  if (failed.length === 0) return
  console.error(`\nWithout result: ${failed.join(', ')}. See above; run again with their names.`)
  process.exitCode = 1
}

interface Outcome {
  readonly results: readonly RecordedResult[]
  /** The names of the suites that gave none. */
  readonly failed: readonly string[]
}

/** One suite after the other; one that fails takes no other's result with it. */
async function run(chosen: readonly Suite[], options: Options): Promise<Outcome> {
  await using server = await startServer(options.version)
  const { rounds, seconds } = options
  console.log(`PostgreSQL ${server.version}, durable; ${rounds} rounds of ${seconds} s after a warm-up, interleaved.`)
  const results: RecordedResult[] = []
  const failed: string[] = []
  for (const suite of chosen) {
    try {
      results.push(await runOne(server, suite, options))
    } catch (error) {
      failed.push(suite.name)
      console.error(`\n${suite.name} failed:`, error)
    }
  }
  return { results, failed }
}

async function runOne(server: BenchServer, suite: Suite, options: Options): Promise<RecordedResult> {
  const { rounds, seconds, scale } = options
  const start = performance.now()
  const result = await runSuite(server, suite, { rounds, seconds, scale, say })
  const recorded = {
    ...result,
    measuredAt: new Date().toISOString(),
    took: Math.round((performance.now() - start) / 1_000),
    command: `pnpm bench ${suite.name} --rounds ${rounds} --seconds ${seconds}`,
    quick: scale !== 1,
    machine: describeMachine(server),
  }
  await keepNewest(recorded)
  console.log(`\n${suite.title} (${suite.name}, ${recorded.took} s)\n\n${figuresTable(result)}\n`)
  return recorded
}

function choose({ suites: names, skip }: Options): readonly Suite[] {
  const wanted = names.length === 0 ? suites : names.flatMap(named)
  const unwanted = skip.flatMap(named)
  const chosen = suites.filter((suite) => wanted.includes(suite) && !unwanted.includes(suite))
  if (chosen.length > 0) return chosen
  throw new TypeError('No suite is left to run; skip fewer.')
}

/** The suite of that name, else those whose names begin so. */
function named(name: string): readonly Suite[] {
  const exact = suites.filter((suite) => suite.name === name)
  const found = exact.length > 0 ? exact : suites.filter((suite) => suite.name.startsWith(name))
  if (found.length > 0) return found
  throw new TypeError(`There is no suite ${name}; there are ${suites.map((each) => each.name).join(', ')}.`)
}

function inOrder(results: readonly RecordedResult[]): readonly RecordedResult[] {
  return suites.flatMap((suite) => results.filter((result) => result.name === suite.name))
}

function describe(suite: Suite): string {
  return `  ${suite.name.padEnd(22)} ${suite.title}`
}

/** Progress goes to stderr, so that stdout is the report alone. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
