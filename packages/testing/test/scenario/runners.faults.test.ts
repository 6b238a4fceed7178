import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const DIST = fileURLToPath(new URL('../../dist', import.meta.url))

/** A counter that may not go over two, as a program without types writes it. */
const COUNTER = `
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
  const Counter = {
    name: 'counter',
    events: { category: 'counter', schemas: { Counted: schema } },
    initial: () => ({ count: 0 }),
    evolve: { Counted: ({ count }, { data }) => ({ count: count + data.by }) },
  }
  const countBy = (by) => function count(state) {
    if (state.count + by > 2) throw new RangeError('no more than two')
    return [{ type: 'Counted', data: { by } }]
  }`

let folder: string

beforeAll(() => {
  if (!existsSync(DIST)) throw new Error(`${DIST} is missing: run \`pnpm --filter @rillflow/testing build\` first.`)
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'rillflow-scenario-')))
  const modules = path.join(folder, 'node_modules')
  cpSync(DIST, path.join(modules, '@rillflow/testing/dist'), { recursive: true })
  cpSync(path.join(DIST, '../package.json'), path.join(modules, '@rillflow/testing/package.json'))
  // Beside the package there is only what it cannot be without: no binaries, no containers, no vitest.
  const pg = path.dirname(createRequire(import.meta.url).resolve('pg/package.json'))
  mkdirSync(modules, { recursive: true })
  symlinkSync(pg, path.join(modules, 'pg'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a file in a Node of its own, which must end by itself. */
function run(file: string, text: string, flags: readonly string[] = []): { status: number | null; output: string } {
  writeFileSync(path.join(folder, file), `${text}\n`)
  const environment = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, output: stdout + stderr }
}

describe('scenarios', () => {
  test('need no server: neither its binaries nor a socket', () => {
    const { status, output } = run(
      'plain.mjs',
      `import { given } from '@rillflow/testing'
      ${COUNTER}
      await given(Counter, [{ type: 'Counted', data: { by: 1 } }]).when(countBy(1)).then([{ type: 'Counted', data: { by: 1 } }])
      console.log('done', process.getActiveResourcesInfo().filter((each) => !/^(CloseReq|FSReq|Pipe|TTY)/.test(each)))`,
    )
    expect(output).toBe('done []\n')
    expect(status).toBe(0)
  })

  test('load by require', () => {
    const { status, output } = run(
      'plain.cjs',
      `const { given } = require('@rillflow/testing')
      ${COUNTER}
      given(Counter).when(countBy(3)).thenError(RangeError).then(() => console.log('done'))`,
    )
    expect(output).toContain('done\n')
    expect(status).toBe(0)
  })

  test('run under node:test, which shows what is wrong and where', () => {
    const { status, output } = run(
      'counter.test.mjs',
      `import test from 'node:test'
      import { given } from '@rillflow/testing'
      ${COUNTER}
      const one = [{ type: 'Counted', data: { by: 1 } }]
      test('counts', () => given(Counter, one).when(countBy(1)).then(one))
      test('refuses', () => given(Counter, [...one, ...one]).when(countBy(1)).thenError(/no more/))
      test('is wrong', () => given(Counter, one, { id: 'c-1' }).when(countBy(1)).then([{ type: 'Counted', data: { by: 2 } }]))
      test('fails', () => given(Counter, one).when(countBy(2)).then(one))
      test('is unfinished', async () => { await given(Counter).when(countBy(1)) })`,
      ['--test', '--test-reporter=tap'],
    )
    expect(status).toBe(1)
    expect(output).toMatch(/^ok 1 - counts$/m)
    expect(output).toMatch(/^ok 2 - refuses$/m)
    expect(output).toMatch(/^not ok 3 - is wrong$/m)
    expect(output).toMatch(/^not ok 4 - fails$/m)
    expect(output).toMatch(/^not ok 5 - is unfinished$/m)
    const lines = output.split('\n').map((line) => line.trim())
    for (const line of [
      'counter: Counted came as expected, but not with what was expected in it',
      'given "c-1" at version 1, after Counted',
      'when count',
      '-   "by": 2',
      '+   "by": 1',
    ]) {
      expect(lines).toContain(line)
    }
    expect(output).toContain("operator: 'deepStrictEqual'")
    expect(output).toContain('expected Counted, but the command threw RangeError: no more than two')
    expect(output).toMatch(/when\(…\) was awaited.*\.thenNothing\(\)/)
    // Each with the line that somebody has to look at.
    for (const name of ['is wrong', 'fails', 'is unfinished']) {
      const part = output.slice(output.indexOf(`- ${name}`))
      expect(part.slice(0, part.indexOf('...'))).toContain('counter.test.mjs:')
    }
  })
})
