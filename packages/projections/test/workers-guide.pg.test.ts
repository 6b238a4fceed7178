import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { pageAt } from '../../../test/documentation/markdown-page.js'
import { pagePrograms } from '../../../test/documentation/run-page.js'

const database = useDatabase()

test('the programs of the guide run one after the other, and print what it says', { timeout: 120_000 }, async () => {
  using programs = await pagePrograms(pageAt('docs/guides/projections.md'))
  expect([...programs.printed.keys()]).toEqual([
    'worker.ts',
    'read-own.ts',
    'status.ts',
    'poison.ts',
    'deploy.ts',
    'rebuild.ts',
  ])
  for (const [name, printed] of programs.printed) {
    expect(await programs.run(name, { DATABASE_URL: database.url }), name).toBe(printed)
  }
})
