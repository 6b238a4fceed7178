import { readFile } from 'node:fs/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as events from '../src/index.js'
import { newStore } from './support/test-store.js'

const examples = [
  {
    name: 'orders',
    run: () => import('./readme/orders.js'),
    prints: [[1, 1], [1, 9, 'EUR'], [expect.stringMatching(/"order-1": expected that it does not exist, actual version 1/)]], // prettier-ignore
  },
  { name: 'streams', run: () => import('./readme/streams.js'), prints: [['StreamArchived'], ['order', 2, true]] },
  { name: 'upcasting', run: () => import('./readme/upcasting.js'), prints: [['OrderPlaced', 2, 'EUR']] },
  {
    name: 'transfer',
    run: () => import('./readme/transfer.js'),
    prints: [[20_000, 4_000], [20_000, 20_000]], // prettier-ignore
  },
]

let readme = ''

beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
})

describe.each(examples)('the example $name', ({ name, run, prints }) => {
  const database = useDatabase()

  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  test('stands in the README as it is run here', async () => {
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

test('no other program stands in the README', () => {
  expect(readme.match(/```ts\n/g)).toHaveLength(examples.length)
})

describe('the overview', () => {
  const database = useDatabase()

  test('has every export, each call where it stands, and nothing else', async () => {
    const exported = Object.keys(events).filter((name) => !name.endsWith('Error'))
    expect(namesIn(tableAfter('## API', '| Export'))).toEqual(exported.toSorted())

    const { store } = await newStore(database.pool)
    const calls = tableAfter('## API', '| Call')
    const on = (place: string): readonly string[] => namesIn(calls.filter(([, places]) => places?.includes(place)))
    expect(on('store')).toEqual(Object.keys(store.events).toSorted())
    await store.transaction(async (tx) => expect(on('tx')).toEqual(Object.keys(tx.events).toSorted()))
    expect(on('session')).toEqual(Object.keys(store.session().events).toSorted())
  })
})

test('the table of errors has the code of every error class', () => {
  const classes = Object.keys(events).filter((name) => name.endsWith('Error'))
  const codes = namesIn(tableAfter('## Errors', '| Code'))
  expect(classes.length).toBeGreaterThan(10)
  // A class is called as its code, with one word behind it.
  for (const name of classes) expect(codes).toContain(name.slice(0, -'Error'.length))
})

/** The rows, as their cells, of the first table behind `heading` whose head begins so. */
function tableAfter(heading: string, head: string): readonly (readonly string[])[] {
  const lines = readme.slice(readme.indexOf(`\n${heading}\n`)).split('\n')
  const rows = lines.slice(lines.findIndex((line) => line.startsWith(head)) + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The names with which the code in the first cells begins, sorted. */
function namesIn(rows: readonly (readonly string[])[]): readonly string[] {
  return rows.flatMap(([cell = '']) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name as string)).toSorted()
}
