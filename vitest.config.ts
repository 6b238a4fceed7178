import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests run on the sources, so that nothing has to be built between an edit and its test. */
const sources = [
  { find: /^@rillflow\/testing\/(vitest|global-setup)$/, replacement: inRepository('packages/testing/src/$1.ts') },
  { find: /^@rillflow\/([^/]+)$/, replacement: inRepository('packages/$1/src/index.ts') },
]

/** The build puts `.sql` files into the code as text; so do the tests. */
const sqlAsText = {
  name: 'sql-as-text',
  transform: (code: string, id: string) =>
    id.endsWith('.sql') ? { code: `export default ${JSON.stringify(code)}`, map: null } : undefined,
}

const shared = { plugins: [sqlAsText], resolve: { alias: sources } }

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/*.faults.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'pg',
          include: ['{packages,examples}/*/test/**/*.pg.test.ts'],
          globalSetup: ['packages/testing/src/global-setup.ts'],
          // Waits inside have bounds of their own, of a minute: a test that is stuck tells which of them it was.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'faults',
          include: ['packages/*/test/**/*.faults.test.ts', 'test/**/*.faults.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Crashes and frozen processes want the machine: they start when the other tests have ended.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

function inRepository(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
