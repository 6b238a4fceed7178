import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)

test('the guide shows every file of the example as it is run by the tests, and no other', async () => {
  const guide = await readFile(new URL('../../docs/guides/joining-a-transaction.md', root), 'utf8')
  const paths = await readdir(new URL('src/', root), { recursive: true })
  const sources = await Promise.all(
    paths.filter((path) => path.endsWith('.ts')).map((path) => readFile(new URL(`src/${path}`, root), 'utf8')),
  )

  expect(guide.match(/```ts\n.*?```/gs)?.toSorted()).toEqual(
    sources.map((source) => `\`\`\`ts\n${source}\`\`\``).toSorted(),
  )
})
