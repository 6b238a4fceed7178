import { describe, expect, test } from 'vitest'
import { arrowViolations, type Order } from './arrow-violations.js'
import { importedModules } from './imported-modules.js'
import { type Manifest, type PackageSources, rootManifest, workspacePackages } from './workspace.js'

/** The one direction of imports. A package may import what stands here, and whatever that may import. */
const order: Order = {
  core: [],
  schema: ['core'],
  documents: ['core'],
  events: ['core'],
  aggregates: ['events'],
  subscriptions: ['events'],
  projections: ['subscriptions', 'documents'],
  tracing: ['core'],
  // Every package's tests stand on this one: an arrow from here would close a circle of builds.
  testing: [],
  cli: ['schema', 'documents', 'aggregates', 'projections', 'tracing'],
}

test('every import and every dependency of the workspace follows the order', { timeout: 180_000 }, () => {
  const violations = arrowViolations(workspacePackages(), {
    order,
    testTools: Object.keys(rootManifest().devDependencies ?? {}).filter((name) => !name.startsWith('@rillflow/')),
  })
  expect(violations).toEqual([])
})

describe('the checker', () => {
  test('accepts imports that go down, however far, and tests that look up', () => {
    expect(
      check(
        fakePackage('core', { 'test/a.test.ts': `import '@rillflow/testing'` }, { devDependencies: needs('testing') }),
        fakePackage('testing', { 'src/index.ts': `import 'node:net'` }),
        fakePackage('events', { 'src/index.ts': `export * from '@rillflow/core'` }, { dependencies: needs('core') }),
        fakePackage(
          'projections',
          { 'src/index.ts': `import type { A } from '@rillflow/core/sub'` },
          { dependencies: needs('core') },
        ),
      ),
    ).toEqual([])
  })

  test.each([
    ['static', `import { a } from '@rillflow/events'`],
    ['type-only', `import type { A } from '@rillflow/events'`],
    ['re-export', `export { a } from '@rillflow/events'`],
    ['dynamic', `const a = await import('@rillflow/events')`],
    ['import type', `let a: import('@rillflow/events').A`],
    ['require', `const a = require('@rillflow/events')`],
  ])('finds an arrow that runs up: %s', (_, text) => {
    const documents = fakePackage('documents', { 'src/index.ts': text }, { dependencies: needs('events') })
    expect(check(documents, fakePackage('events', {}))).toEqual([
      'packages/documents/src/index.ts imports @rillflow/events: documents may not import events',
    ])
  })

  test('finds a cycle of dependencies, also one that only tests close', () => {
    const core = { 'test/a.test.ts': `import '@rillflow/schema'` }
    const schema = { 'src/index.ts': `import '@rillflow/core'` }
    expect(
      check(
        fakePackage('core', core, { devDependencies: needs('schema') }),
        fakePackage('schema', schema, { dependencies: needs('core') }),
      ),
    ).toEqual(['dependencies make a cycle: @rillflow/core → @rillflow/schema → @rillflow/core'])
  })

  test('finds a cycle in the order itself', () => {
    expect(arrowViolations([], { order: { a: ['b'], b: ['a'] }, testTools: [] })).toEqual([
      'the order itself has a cycle: a → b → a',
    ])
  })

  test("finds a way into another package's internals", () => {
    const text = `import '@rillflow/core/dist/index.js'\nimport '../../core/src/ident.js'`
    const events = fakePackage('events', { 'src/a.ts': text, 'src/b.ts': `import '@rillflow/core'` }, downToCore)
    expect(check(events, fakePackage('core', {}))).toEqual([
      'packages/events/src/a.ts imports @rillflow/core/dist/index.js: @rillflow/core does not export ./dist/index.js',
      'packages/events/src/a.ts imports ../../core/src/ident.js: it leaves the package',
    ])
  })

  test('finds what package.json does not list, and development tools in shipped code', () => {
    const files = { 'src/a.ts': `import 'left-pad'\nimport 'vitest'`, 'src/a.test.ts': `import 'vitest'` }
    expect(check(fakePackage('core', files))).toEqual([
      'packages/core/src/a.ts imports left-pad: its package.json does not list it for this use',
      'packages/core/src/a.ts imports vitest: its package.json does not list it for this use',
    ])
  })

  test('finds a listed package that only a test imports, and one without a place in the order', () => {
    const events = fakePackage('events', { 'src/a.test.ts': `import '@rillflow/core'` }, downToCore)
    const extra = fakePackage('extra', { 'src/index.ts': `import '@rillflow/core'` }, downToCore)
    expect(check(events, extra, fakePackage('core', {}))).toEqual([
      'packages/extra/src/index.ts imports @rillflow/core: extra has no place in the order yet',
      'packages/events/package.json lists @rillflow/core, which no file imports',
    ])
  })

  test('reads syntax, not text', () => {
    expect(importedModules("// import 'a'\nconst s = `import 'b'`\nimport 'c'")).toEqual(['c'])
  })
})

const downToCore = { dependencies: { '@rillflow/core': 'workspace:^' } }

function check(...packages: PackageSources[]): string[] {
  return arrowViolations(packages, { order, testTools: ['vitest'] })
}

function needs(name: string): Record<string, string> {
  return { [`@rillflow/${name}`]: 'workspace:^' }
}

function fakePackage(name: string, files: Record<string, string>, manifest: Partial<Manifest> = {}): PackageSources {
  return {
    folder: `packages/${name}`,
    manifest: { name: `@rillflow/${name}`, exports: { '.': {}, './sub': {} }, ...manifest },
    files: Object.entries(files).map(([path, text]) => ({ path, text })),
  }
}
