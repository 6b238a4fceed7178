import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageAt } from '../../../test/documentation/markdown-page.js'
import { pagePrograms, type PagePrograms } from '../../../test/documentation/run-page.js'
import { runBundled } from './support/run-bundled.js'

describe('the guide of aggregates', () => {
  const database = useDatabase({ max: 1 })
  const page = pageAt('docs/guides/aggregates.md')
  let programs: PagePrograms

  beforeAll(async () => {
    programs = await pagePrograms(page)
  })
  afterAll(() => programs[Symbol.dispose]())

  test('its programs run one after the other, and print what it says', { timeout: 180_000 }, async () => {
    expect([...programs.printed.keys()]).toContain('past.ts')
    for (const [name, printed] of programs.printed) {
      expect(await programs.run(name, { DATABASE_URL: database.url }), name).toBe(printed)
    }
  })

  test('its tests pass', { timeout: 180_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rillflow-guide-'))
    try {
      for (const name of ['order-events.ts', 'order.ts', 'order.test.ts']) {
        // Where a file comes twice, the tests are of its first form.
        writeFileSync(join(folder, name), page.blocks.find(({ fileName }) => fileName === name)?.text ?? '')
      }
      expect(await runBundled(join(folder, 'order.test.ts'), {})).toMatch(/^# pass 5\n# fail 0$/m)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the README of the package', () => {
  const database = useDatabase({ max: 1 })

  test('its smallest example prints what it says', { timeout: 180_000 }, async () => {
    const page = pageAt('packages/aggregates/README.md')
    const [example, ...others] = page.blocks.filter(({ language, info }) => language === 'ts' && info === '')
    expect(others).toEqual([])
    using programs = await pagePrograms(page)
    const printed = await programs.run(`line-${example?.line}.ts`, { DATABASE_URL: database.url })
    expect(printed.split('\n')).toEqual([
      "{ status: 'shipped', total: 9 } 2 1",
      'placed',
      expect.stringMatching(/^The aggregate order "order-2" does not exist\./),
      '',
    ])
  })
})
