import { readFile } from 'node:fs/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { pageAt } from '../../../test/documentation/markdown-page.js'
import { pagePrograms } from '../../../test/documentation/run-page.js'

describe('the guide', () => {
  const database = useDatabase()

  test('its programs run one after the other, and print what it says', { timeout: 120_000 }, async () => {
    using programs = await pagePrograms(pageAt('docs/guides/subscriptions.md'))
    expect(programs.printed.size).toBe(8)
    for (const [name, printed] of programs.printed) {
      expect(await programs.run(name, { DATABASE_URL: database.url }), name).toBe(printed)
    }
  })
})

describe('the README', () => {
  const database = useDatabase()

  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  test('shows its program as it is run here', async () => {
    const [readme, source] = await Promise.all(
      ['../README.md', './readme/mailer.ts'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
    )
    expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
    expect(readme?.match(/```ts\n/g)).toHaveLength(1)
  })

  test('which prints what it says', async () => {
    vi.stubEnv('DATABASE_URL', database.url)
    const log = vi.spyOn(console, 'log').mockReturnValue()
    await import('./readme/mailer.js')
    expect(log.mock.calls).toEqual([
      ['order-1', 9, 'attempt 1'],
      [2, 0],
    ])
  })
})
