import { readFile } from 'node:fs/promises'
import * as core from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { counters } from './readme/counters.js'

const database = useDatabase()
let readme = ''

beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

async function createCounters(): Promise<void> {
  await database.query('create schema rillflow')
  for (const { migrations } of counters().components) {
    for (const { sql } of migrations) await database.query(sql.replaceAll(':"schema"', core.ident('rillflow')))
  }
}

describe('the README', () => {
  test.each(['transfer', 'counters', 'joining'])('shows %s.ts as it is run here', async (name) => {
    const source = await readFile(new URL(`./readme/${name}.ts`, import.meta.url), 'utf8')

    expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
  })

  test('shows no other example', () => {
    expect(readme.match(/```ts/g)).toHaveLength(3)
  })

  test('its smallest example runs and prints what it says', async () => {
    vi.stubEnv('DATABASE_URL', database.url)
    const log = vi.spyOn(console, 'log').mockReturnValue()
    await import('./readme/transfer.js')

    expect(log.mock.calls).toEqual([[[{ id: 'ada', balance: 70 }, { id: 'bob', balance: 30 }]]]) // prettier-ignore
  })

  test('its module joins the transaction of the caller', async () => {
    vi.stubEnv('DATABASE_URL', database.url)
    await createCounters()
    await database.query('create table orders (id text)')
    await import('./readme/joining.js')

    const { rows } = await database.query('select id, name, value::int from orders, rillflow.counters')
    expect(rows).toEqual([{ id: 'order-1', name: 'orders', value: 1 }])
  })

  test('names the code of every error class', () => {
    const classes = Object.keys(core).filter((name) => /^[A-Z]\w+Error$/.test(name) && name !== 'RillflowError')

    expect(classes.length).toBeGreaterThan(20)
    for (const name of classes) expect(readme).toContain(`| \`${codeOf(name)}\` `)
  })
})

/** The code of an error class is its name without the last word, with two exceptions. */
function codeOf(name: string): string {
  if (name === 'ValidationError') return 'ValidationFailed'
  return name === 'DatabaseError' ? name : name.slice(0, -'Error'.length)
}
