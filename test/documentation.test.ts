import * as aggregates from '@rillflow/aggregates'
import * as core from '@rillflow/core'
import * as documents from '@rillflow/documents'
import * as events from '@rillflow/events'
import * as projections from '@rillflow/projections'
import * as schema from '@rillflow/schema'
import * as subscriptions from '@rillflow/subscriptions'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchors, brokenLinks } from './documentation/broken-links.js'
import { compileExamples, syntaxErrors } from './documentation/compile-examples.js'
import { errorsOfPackages, type ErrorEntry } from './documentation/error-classes.js'
import { documentedErrors } from './documentation/error-tables.js'
import { exampleFiles, fragments } from './documentation/example-files.js'
import { logMessages } from './documentation/log-messages.js'
import { commentsAsPage, markdownPages, parsePage } from './documentation/markdown-page.js'
import { publicPackages, root } from './workspace.js'

const pages = markdownPages()

/** The comments of the packages' sources, which are documentation too. */
const comments = publicPackages().flatMap(({ folder, files }) =>
  files
    .filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'))
    .map(({ path, text }) => commentsAsPage(`${folder}/${path}`, text)),
)

describe('links', () => {
  test('each relative link leads to a file, and to a heading of it', () => {
    expect(pages.length).toBeGreaterThan(10)
    expect(pages.flatMap(brokenLinks)).toEqual([])
  })

  test.each([
    ['a file that is not there', '[x](not-there.md)'],
    ['a heading that is not there', '[x](README.md#not-there)'],
    ['a heading of this page that is not there', '[x](#not-there)'],
    ['the root of a site', '[x](/docs/README.md)'],
    ['a reference', '[x]: not-there.md'],
  ])('%s is found', (_, text) => {
    expect(brokenLinks(parsePage('docs/page.md', `\n${text}\n`))).toHaveLength(1)
  })

  test.each([
    '[x](errors.md)',
    '[x](../README.md#license)',
    '[x](https://example.com)',
    '`[x](y.md)`',
    '```\n[x](y.md)\n```',
  ])('%s is no mistake', (text) => expect(brokenLinks(parsePage('docs/page.md', text))).toEqual([]))

  test('headings get the anchors that GitHub gives them', () => {
    expect([...anchors("# `a.b(c)`, and d's\n## A_b – c\n## A_b – c\n```\n# no\n```\n")]).toEqual([
      'abc-and-ds',
      'a_b--c',
      'a_b--c-1',
    ])
  })
})

describe('examples', () => {
  test('each compiles against the sources, those in comments too', { timeout: 300_000 }, () => {
    const examples = [...pages, ...comments].flatMap(exampleFiles)
    expect(examples.length).toBeGreaterThan(20)
    expect(compileExamples(examples)).toEqual([])
  })

  test('fragments are TypeScript at least', () => {
    expect([...pages, ...comments].flatMap(fragments).flatMap(syntaxErrors)).toEqual([])
    const fragment = fragments(parsePage('a.md', '```ts ignore\nconst = 1\n```'))
    expect(fragment.flatMap(syntaxErrors)).not.toEqual([])
  })

  test('one that does not fit is told by its page and line', () => {
    const store = "import { createStore } from '@rillflow/core'\ncreateStore({ modules: {}, conection: '' })\n"
    const page = parsePage('docs/wrong.md', `\n\`\`\`ts\n${store}\`\`\`\n`)
    expect(compileExamples(exampleFiles(page))).toEqual([
      expect.stringMatching(/^docs\/wrong\.md:2, line 2 of it: .*conection/),
    ])
  })

  test('the files of a page import each other, in the form that they have there', () => {
    const blocks = ['// a.ts\nexport const a = 1', "// b.ts\nimport { a } from './a.js'\na.toFixed()"]
    const changed = [...blocks, "// a.ts\nexport const a = ''", "// c.ts\nimport { a } from './a.js'\na.trim()"]
    const page = parsePage('docs/page.md', changed.map((text) => `\`\`\`ts\n${text}\n\`\`\``).join('\n'))
    // In its first form a.ts fits b.ts; after the change b.ts would have to change too.
    expect(compileExamples(exampleFiles(page))).toEqual([expect.stringContaining('docs/page.md:5, line 3 of it')])
  })
})

describe('docs/errors.md', () => {
  const inCode = errorsOfPackages()
  const inDocs = documentedErrors()
  const sorted = (entries: readonly ErrorEntry[] = []): readonly ErrorEntry[] =>
    entries.toSorted((one, other) => one.code.localeCompare(other.code))

  test.each([...inCode.keys()])('has each error of %s, with its class and fields, and no other', (name) => {
    expect(sorted(inDocs.get(name))).toEqual(sorted(inCode.get(name)))
  })

  test('has no package that is none', () => {
    expect([...inDocs.keys()].filter((name) => !inCode.has(name))).toEqual([])
  })

  test.each(Object.entries({ aggregates, core, documents, events, projections, schema, subscriptions }))(
    'knows every class that %s exports',
    (name, exported) => {
      // Those of core that a package hands on stand under core.
      const handedOn = name === 'core' ? [] : Object.values(core)
      const classes = Object.values(exported)
        .filter(isErrorClass)
        .filter((one) => !handedOn.includes(one as never))
      const known = inCode.get(`@rillflow/${name}`)?.flatMap(({ className }) => className ?? [])
      expect(classes.map((one) => one.name).toSorted()).toEqual(known?.toSorted())
    },
  )
})

function isErrorClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && value.prototype instanceof core.RillflowError
}

test('docs/README.md leads to each page of the documentation', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  const paths = pages.map(({ path }) => path).filter((path) => /^docs\/(?!decisions\/|README\.md$)/.test(path))
  expect(paths.filter((path) => !index.includes(`(${path.slice('docs/'.length)})`))).toEqual([])
})

test('docs/operations.md names each line that is logged in fixed words', () => {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  expect(logMessages().length).toBeGreaterThan(4)
  expect(logMessages().filter((message) => !page.includes(message))).toEqual([])
})
