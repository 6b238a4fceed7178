import { writeFile } from 'node:fs/promises'
import { describeMachine } from './harness/machine.js'
import { parseOptions, USAGE, type Options } from './harness/options.js'
import { runSuite } from './harness/run-suite.js'
import { startServer } from './harness/server.js'
import type { Suite } from './harness/suite.js'
import { publish } from './report/publish.js'
import { keepNewest, newestResults, writeResults, type RecordedResult } from './report/results.js'
import { figuresTable, targetsTable } from './report/table.js'
import { suites } from './suites/index.js'

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) return console.log(`${USAGE}\n\nSuites:\n${suites.map(describe).join('\n')}`)
  const results = await run(choose(options), options)
  const folder = await writeResults(results)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nTargets\n\n${targetsTable(results)}\n\nResults and chart: ${folder}`)
  if (options.publish) await publish(inOrder(await newestResults()))
}

async function run(chosen: readonly Suite[], options: Options): Promise<RecordedResult[]> {
  await using server = await startServer(options.version)
  const machine = describeMachine(server)
  const { rounds, seconds, scale } = options
  console.log(`PostgreSQL ${server.version}, durable; ${rounds} rounds of ${seconds} s after a warm-up, interleaved.`)
  const results: RecordedResult[] = []
  for (const suite of chosen) {
    const result = await runSuite(server, suite, { rounds, seconds, scale, say })
    const command = `pnpm bench ${suite.name} --rounds ${rounds} --seconds ${seconds}`
    const recorded = { ...result, measuredAt: new Date().toISOString(), command, quick: scale !== 1, machine }
    results.push(recorded)
    await keepNewest(recorded)
    console.log(`\n${suite.title}\n\n${figuresTable(result)}\n`)
  }
  return results
}

function choose({ suites: names }: Options): readonly Suite[] {
  return names.length === 0 ? suites : suites.filter((suite) => names.flatMap(named).includes(suite))
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
  return `  ${suite.name.padEnd(16)} ${suite.title}`
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
