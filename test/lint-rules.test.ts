import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from './workspace.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rillflow-lint-'))
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { strict: true, target: 'ES2022' } }),
  )
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['a floating promise', 'work()', 'no-floating-promises'],
  ['a promise as a condition', 'if (work()) console.log(1)', 'no-misused-promises'],
  ['a promise where nobody awaits it', '[1].forEach(async () => work())', 'no-misused-promises'],
  ['any', 'export const a: any = await work()', 'no-explicit-any'],
  ['a default export', 'export default await work()', 'no-default-export'],
])('the linter refuses %s', async (_, line, rule) => {
  const { code, output } = await lint(line)
  expect(output).toContain(rule)
  expect(code).toBe(1)
})

test('the linter accepts the same work, awaited', async () => {
  expect(await lint('await work()')).toMatchObject({ code: 0 })
})

/** Lints one line by the repository's own rules. */
async function lint(line: string): Promise<{ code: unknown; output: string }> {
  const file = join(folder, 'example.ts')
  await writeFile(file, `export async function work(): Promise<number> {\n  return 1\n}\n${line}\n`)
  const args = ['--type-aware', '--config', join(root, '.oxlintrc.json'), file]
  // The working directory is the checkout, because oxlint looks there for its type-aware half.
  return await new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin/oxlint'), args, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, output: stdout + stderr }),
    )
  })
}
