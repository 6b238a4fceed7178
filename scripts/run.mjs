/**
 * `npm start` and `npm test` from a fresh clone: needs Node and npm, fetches the rest, builds, runs.
 *
 *   start [name]   an example: quickstart unless told
 *   check          lint, types and package checks
 *   test [args]    the checks, then every test; arguments go to vitest
 */
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endChildrenOnSignal, runInForeground, runQuietly, stopCode } from './children.mjs'
import { pathWithPnpm } from './find-pnpm.mjs'

/** Scripts of the root package.json. The slowest come first, so that the lanes end together. */
const checks = ['check:packages', 'typecheck', 'format:check', 'check:unused', 'lint', 'check:versions']

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [task, ...rest] = process.argv.slice(2)
const tasks = { start, check, test }

endChildrenOnSignal()
process.exitCode = await main()

async function main() {
  if (!Object.hasOwn(tasks, task)) return fail(`scripts/run.mjs needs one of: ${Object.keys(tasks).join(', ')}.`)
  const oldest = manifest.engines.node.replace(/[^\d.]/g, '')
  if (isOlder(process.versions.node, oldest)) {
    return fail(
      `Rillflow needs Node ${oldest} or newer; this is ${process.version}. Install a newer Node and run again.`,
    )
  }
  const env = toolEnvironment()
  const options = env && { cwd: root, env }
  if (!options || !(await install(options))) {
    return (
      stopCode() ??
      fail(
        'The packages that the workspace needs are not installed. The first run fetches them: check the network, run again.',
      )
    )
  }
  return tasks[task](options)
}

/** @returns the environment of every command, or undefined when no pnpm can be had. */
function toolEnvironment() {
  const env = {
    ...process.env,
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
    DO_NOT_TRACK: '1',
    NO_UPDATE_NOTIFIER: '1',
    TURBO_TELEMETRY_DISABLED: '1',
  }
  const pin = /^pnpm@([^+]+)/.exec(manifest.packageManager)[1]
  const path = pathWithPnpm(root, pin, env)
  return path && { ...env, PATH: path }
}

async function install(options) {
  const installed = join(root, 'node_modules', '.modules.yaml')
  const wanted = statSync(join(root, 'pnpm-lock.yaml')).mtimeMs
  if (existsSync(installed) && statSync(installed).mtimeMs >= wanted) return true
  // Without the second flag pnpm asks a question, and a run without a terminal has nobody to answer it.
  const args = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false']
  const { code } = await runInForeground('pnpm', args, options)
  // pnpm leaves the file alone when nothing was missing, and then every run would install again.
  if (code === 0) utimesSync(installed, new Date(), new Date())
  return code === 0
}

async function start(options) {
  const [name = '', ...args] = rest
  const isExample = name !== '' && existsSync(join(root, 'examples', name, 'package.json'))
  const example = `@rillflow/example-${isExample ? name : 'quickstart'}`
  const built = await step('build', `turbo run build --filter=${example}... --output-logs=errors-only`, options)
  if (built !== 0) return built
  const { code } = await runInForeground(
    'pnpm',
    ['--silent', '--filter', example, 'start', ...(isExample ? args : rest)],
    options,
  )
  return stopCode() ?? code
}

async function check(options) {
  const { built, failed } = await buildAndCheck(options)
  return stopCode() ?? (built === 0 ? summary(failed) : built)
}

async function test(options) {
  const { built, failed } = await buildAndCheck(options)
  if (built !== 0 || stopCode()) return stopCode() ?? built
  const { code, reason } = await runInForeground('vitest', ['run', ...rest], options)
  return stopCode() ?? summary(code === 0 ? failed : [...failed, { name: 'vitest', code, reason }])
}

async function buildAndCheck(options) {
  const built = await step('build', 'turbo run build --output-logs=errors-only', options)
  if (built !== 0) return { built, failed: [] }
  const results = await inLanes(checks, os.availableParallelism(), async (name) => ({
    name,
    code: await step(name, manifest.scripts[name], options),
  }))
  return { built, failed: results.filter(({ code }) => code !== 0) }
}

/** Runs one command quietly and reports it: a line when it passes, what it printed when it fails. */
async function step(name, line, options) {
  const { code, reason, output, seconds } = await runQuietly(line, options)
  if (stopCode() !== undefined) return code
  if (code === 0) console.log(`✓ ${name} ${seconds.toFixed(1)} s`)
  else console.error(`✗ ${name} ${seconds.toFixed(1)} s, ${reason}: ${line}\n${output}`)
  return code
}

/** Applies `work` to every item, `lanes` at a time; no new item starts after a signal. */
async function inLanes(items, lanes, work) {
  const waiting = [...items.entries()]
  const results = []
  const lane = async () => {
    for (let next = waiting.shift(); next && stopCode() === undefined; next = waiting.shift()) {
      results[next[0]] = await work(next[1])
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

/** Names what failed, since the test runner's own green summary may stand right above. */
function summary(failed) {
  if (failed.length === 0) return 0
  console.error(`Failed: ${failed.map(({ name }) => name).join(', ')}.`)
  return failed[0].code
}

function fail(sentence) {
  console.error(sentence)
  return 1
}

function isOlder(version, oldest) {
  const [major, minor] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldest.split('.').map(Number)
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
}
