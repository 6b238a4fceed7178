import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { filesAboutSessions, pooledSources, testsAboutSessions } from './support/pgbouncer/pooled-sources.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const plugin = {
  name: 'pooled',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (id.endsWith('.sql')) return { code: `export default ${JSON.stringify(code)}`, map: null }
    const changes = pooledSources.filter(({ file }) => id.endsWith(file))
    if (changes.length === 0) return undefined
    return { code: changes.reduce((changed, { from, to }) => changed.replace(from, () => to), code), map: null }
  },
}

export default defineConfig({
  root,
  plugins: [plugin],
  resolve: {
    alias: [
      { find: /^@rillflow\/testing\/(vitest|global-setup)$/, replacement: `${root}packages/testing/src/$1.ts` },
      { find: /^@rillflow\/([^/]+)$/, replacement: `${root}packages/$1/src/index.ts` },
    ],
  },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    include: ['packages/*/test/**/*.pg.test.ts'],
    exclude: [...filesAboutSessions],
    testNamePattern: new RegExp(`^(?!.*(?:${testsAboutSessions.map(escaped).join('|')}))`),
    globalSetup: ['test/reliability/support/pgbouncer/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
