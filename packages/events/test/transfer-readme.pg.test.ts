import { readFile } from 'node:fs/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, expect, test, vi } from 'vitest'

const database = useDatabase()

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('the example of import and export stands in the README as it is run here', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const source = await readFile(new URL('./readme/transfer.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
})

test('the example of import and export prints what it says', async () => {
  vi.stubEnv('DATABASE_URL', database.url)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('./readme/transfer.js')
  expect(log.mock.calls).toEqual([
    [20_000, 4_000],
    [20_000, 20_000],
  ])
})
