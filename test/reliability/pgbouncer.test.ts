import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import config from './pgbouncer.vitest.config.js'
import { setup } from './support/pgbouncer/global-setup.js'
import { pastPooler } from './support/pgbouncer/past-pooler.js'
import { filesAboutSessions, pooledSources } from './support/pgbouncer/pooled-sources.js'

const inRepository = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url))

test('what the run through a pooler changes is there, so that it does not run past the pooler', () => {
  expect(config.test?.include).toEqual(['packages/*/test/**/*.pg.test.ts'])
  for (const { file, from } of pooledSources) expect(readFileSync(inRepository(file), 'utf8'), file).toContain(from)
  expect(filesAboutSessions.filter((file) => !existsSync(inRepository(file)))).toEqual([])
})

test('what it is changed to is there as well', () => {
  expect(config.test?.globalSetup).toEqual(['test/reliability/support/pgbouncer/global-setup.ts'])
  expect(setup).toBeTypeOf('function')
  const own = pooledSources.filter(({ to }) => to.includes('/past-pooler.js'))
  expect(own.map(({ to }) => to.includes(`.${pastPooler.name}(`))).toEqual([true, true, true, true])
})
