import { readFile } from 'node:fs/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import * as package_ from '../src/index.js'

const database = useDatabase()
let readme = ''

beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

async function printed(run: () => Promise<unknown>): Promise<readonly unknown[]> {
  vi.stubEnv('DATABASE_URL', database.url)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await run()
  return log.mock.calls.map(([first]: readonly unknown[]) => first)
}

test.each(['customers', 'orders'])('the README shows %s.ts as it is run here', async (name) => {
  const source = await readFile(new URL(`./readme/${name}.ts`, import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
})

test('its smallest example runs', async () => {
  const lines = await printed(() => import('./readme/customers.js'))
  expect(lines).toEqual([
    [{ id: 'c-1', email: 'ada@x.io', tier: 'pro', visits: 5 }],
    expect.stringContaining('expected version 1, actual version 3'),
  ])
})

test('its example of patches and queries runs', async () => {
  const lines = await printed(() => import('./readme/orders.js'))
  expect(lines).toEqual([
    ['o-1', 'o-2'],
    2,
    [{ id: 'o-3', total: 10 }],
    [
      { group: { state: 'open' }, orders: 2, mean: 25 },
      { group: { state: 'paid' }, orders: 1, mean: 10 },
    ],
    2,
  ])
})

test('it names the code of every error class', () => {
  const classes = Object.keys(package_).filter((name) => /^[A-Z]\w+Error$/.test(name))
  expect(classes.length).toBeGreaterThanOrEqual(6)
  for (const name of classes) expect(readme).toContain(`| \`${name.slice(0, -'Error'.length)}\``)
})
