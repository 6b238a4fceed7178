import { readFile } from 'node:fs/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, describe, expect, test, vi } from 'vitest'

const examples = [
  { name: 'streams', run: () => import('./readme/streams.js'), prints: [['StreamArchived'], ['order', 2, true]] },
  { name: 'upcasting', run: () => import('./readme/upcasting.js'), prints: [['OrderPlaced', 2, 'EUR']] },
]

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe.each(examples)('the example of $name', ({ name, run, prints }) => {
  const database = useDatabase()

  test('stands in the README as it is run here', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const source = await readFile(new URL(`./readme/${name}.ts`, import.meta.url), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
  })

  test('prints what it says', async () => {
    vi.stubEnv('DATABASE_URL', database.url)
    const log = vi.spyOn(console, 'log').mockReturnValue()
    await run()
    expect(log.mock.calls).toEqual(prints)
  })
})
