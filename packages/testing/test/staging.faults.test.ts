import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stageBinaries } from '../src/embedded/stage-binaries.js'
import { copyProject } from './copied-project.js'
import { eventually, leftovers, startChild, type ServerReport } from './child.js'

const RUN = `const server = await startPostgres({ from: 'embedded' }); report(server); await server.stop()`
const TRY = `await startPostgres({ from: 'embedded' }).then(
  async (server) => { await server.stop(); tell('started') },
  (error) => tell(error.code + ' ' + error.message))`

const isRoot = process.getuid?.() === 0
const NOBODY = { uid: 65_534, gid: 65_534 }

let folder: string
let temporary: string

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'rillflow-test-'))
  chmodSync(folder, 0o755)
  temporary = path.join(folder, 'tmp')
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function staged(): string[] {
  return readdirSync(temporary).filter((each) => each.startsWith('rillflow-postgres-'))
}

async function outcome(code = TRY): Promise<unknown> {
  const child = startChild(code, { env: { TMPDIR: temporary } })
  const answer = await child.next()
  await child.ended
  return answer
}

describe('the staged binaries', () => {
  test('are made once by four processes that start together, and nothing else is left', async () => {
    // Each child waits for its line, so that all of them find the folder empty.
    const together = `tell('ready'); await new Promise((go) => process.stdin.once('data', go)); process.stdin.destroy(); ${RUN}`
    const children = Array.from({ length: 4 }, () => startChild(together, { env: { TMPDIR: temporary } }))
    for (const child of children) expect(await child.next()).toBe('ready')
    for (const child of children) child.process.stdin?.write('go\n')
    const reports = await Promise.all(children.map((child) => child.next<ServerReport>()))
    expect(new Set(reports.map((each) => each.url)).size).toBe(4)
    expect(await Promise.all(children.map((child) => child.ended))).toEqual([0, 0, 0, 0])
    expect(staged()).toHaveLength(1)
    expect(readdirSync(temporary)).toEqual(staged())
  })

  test('are mended when a cleaner has removed some of them', async () => {
    const target = await stage()
    const complete = new Set(readdirSync(target, { recursive: true, encoding: 'utf8' }))
    expect(complete).toContain('lib/libpq.so.5')
    rmSync(path.join(target, 'bin/initdb'))
    rmSync(path.join(target, 'share'), { recursive: true })
    rmSync(path.join(target, 'lib/libpq.so.5'))
    expect(await stage()).toBe(target)
    expect(new Set(readdirSync(target, { recursive: true, encoding: 'utf8' }))).toEqual(complete)
    expect(staged()).toEqual([path.basename(target)])
  })

  test('of a process that died half-way are swept away later', async () => {
    const target = await stage()
    const abandoned = `${target}.AbCdEf`
    const young = `${target}.GhIjKl`
    renameSync(target, abandoned)
    mkdirSync(young)
    utimesSync(abandoned, new Date(0), new Date(0))
    await stage()
    expect(staged().toSorted()).toEqual([target, young].map((each) => path.basename(each)))
  })

  test.each([
    ['others can write to', (target: string) => chmodSync(target, 0o777)],
    ['is a link', (target: string) => replaceByLink(target)],
    ...(isRoot ? [['somebody else made', (target: string) => chownSync(target, NOBODY.uid, NOBODY.gid)] as const] : []),
  ] as const)('are not taken from a folder that %s', async (_, spoil) => {
    spoil(await stage())
    await expect(stage()).rejects.toMatchObject({
      code: 'STAGE_UNTRUSTED',
      message: expect.stringContaining('Remove it'),
    })
    expect(staged()).toHaveLength(1)
  })

  /** A package in the small: what matters here is what becomes of its files. */
  function stage(): Promise<string> {
    const native = path.join(folder, 'native')
    for (const each of ['bin', 'lib', 'share/zones']) mkdirSync(path.join(native, each), { recursive: true })
    for (const each of ['bin/initdb', 'lib/libpq.so.5.18', 'share/zones/utc'])
      writeFileSync(path.join(native, each), '')
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
    writeFileSync(path.join(native, 'pg-symlinks.json'), JSON.stringify(links))
    return stageBinaries({ folder: native, version: '18.4.0', major: 18 }, temporary)
  }

  function replaceByLink(target: string): void {
    renameSync(target, path.join(folder, 'elsewhere'))
    symlinkSync(path.join(folder, 'elsewhere'), target)
  }
})

describe.runIf(isRoot)('a checkout with a flat node_modules', () => {
  let home: string
  let checkout: string
  let dist: string

  beforeAll(() => {
    home = mkdtempSync(path.join(os.tmpdir(), 'rillflow-test-'))
    checkout = path.join(home, 'checkout')
    dist = copyProject(checkout)
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  test('that only root can read will do for root, whose server runs as another account, under any umask', async () => {
    chmodSync(home, 0o700)
    const child = startChild(`process.umask(0o077); ${RUN}`, { dist, cwd: checkout, env: { TMPDIR: temporary } })
    const report = await child.next<ServerReport>()
    expect(await child.ended).toBe(0)
    expect(leftovers(report)).toEqual([])
    expect(staged()).toHaveLength(1)
  })

  test('that an ordinary user can read and not write to will do for that user, whose server it is', async () => {
    chmodSync(home, 0o755)
    const run = `const server = await startPostgres({ from: 'embedded' }); report(server); process.stdin.resume()`
    const env = { TMPDIR: temporary, HOME: '/nonexistent' }
    const child = startChild(run, { dist, cwd: checkout, env, account: NOBODY })
    const report = await child.next<ServerReport>()
    expect(lstatSync(report.home).uid).toBe(NOBODY.uid)
    expect(staged().every((each) => each.endsWith(`-${NOBODY.uid}`))).toBe(true)
    child.process.kill('SIGKILL')
    await child.ended
    expect(await eventually(() => leftovers(report))).toEqual([])
  })
})

describe.runIf(isRoot)('as root', () => {
  test('a temporary folder that nobody else can enter is not used', async () => {
    chmodSync(temporary, 0o700)
    expect(await outcome()).toBe('started')
    expect(readdirSync(temporary)).toEqual([])
  })
})
