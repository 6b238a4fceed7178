import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type PostgresServer } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPacked, type PackedProject } from './packed-project.js'
import { insideFunction, readmeProgram } from './readme-program.js'
import { publicPackages, root } from './workspace.js'

const names = publicPackages().map(({ manifest }) => manifest.name)
let project: PackedProject
let server: PostgresServer

beforeAll(async () => {
  ;[project, server] = await Promise.all([installPacked(), startPostgres()])
})

afterAll(() => Promise.all([project.remove(), server.stop()]))

test.each(names)('%s packs its build, its types, both licences and a README, and nothing else', (name) => {
  const files = project.packedFiles.get(name) ?? []
  expect(files).toEqual(
    expect.arrayContaining(['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'dist/index.d.ts', 'dist/index.js']),
  )
  const unexpected = files.filter((file) => !/^(dist\/|LICENSE|README\.md$|CHANGELOG\.md$|package\.json$)/.test(file))
  expect(unexpected).toEqual([])
})

test.each(names)('%s holds no path of the machine that packed it', async (name) => {
  const folder = join(project.folder, 'node_modules', name)
  for (const file of project.packedFiles.get(name) ?? []) {
    expect(await readFile(join(folder, file), 'utf8'), file).not.toContain(root)
  }
})

test.each(names)('%s loads by require from CommonJS', async (name) => {
  const loaded = await project.node(['--print', `Object.keys(require('${name}')).length`])
  expect(Number(loaded)).toBeGreaterThan(0)
})

describe('the complete program of the README', () => {
  beforeAll(async () => {
    const everything = names.map((name, index) => `export * as package${index} from '${name}'\n`)
    await writeFile(join(project.folder, 'src/program.ts'), readmeProgram())
    await writeFile(join(project.folder, 'src/required.cts'), insideFunction(readmeProgram()))
    await writeFile(join(project.folder, 'src/everything.ts'), everything.join(''))
    await writeFile(join(project.folder, 'tsconfig.json'), JSON.stringify(compilation))
  })

  test('compiles against the packed types, which pass a full check themselves', async () => {
    expect(await project.node([join(root, 'node_modules/typescript/bin/tsc')])).toBe('')
  })

  test.each([
    ['a module', 'out/program.js'],
    ['CommonJS, by require', 'out/required.cjs'],
  ])('runs as %s', async (_, file) => {
    expect(await onNewDatabase((DATABASE_URL) => project.node([file], { DATABASE_URL }))).not.toBe('')
  })
})

const compilation = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    module: 'NodeNext',
    target: 'ES2022',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    outDir: 'out',
    rootDir: 'src',
  },
  include: ['src'],
}

/** Each run gets a database of its own: the program expects to find nothing. */
async function onNewDatabase<Result>(work: (url: string) => Promise<Result>): Promise<Result> {
  const name = `readme_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
    const url = new URL(server.url)
    url.pathname = `/${name}`
    return await work(url.href)
  } finally {
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  }
}
