import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, isAlive, leftovers, startChild, type ServerReport } from './child.js'

const START = `const server = await startPostgres({ from: 'embedded' }); report(server);`
const WAIT = `process.stdin.resume();`

const TELL_LISTENERS = `tell(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));`

describe('nothing is left', () => {
  test('after a normal end, which a running server does not hold up', async () => {
    const child = startChild(START)
    const report = await child.next<ServerReport>()
    expect(await child.ended).toBe(0)
    expect(await eventually(() => leftovers(report))).toEqual([])
  })

  test('after stop(), at once', async () => {
    const child = startChild(`${START} await server.stop(); tell('stopped'); ${WAIT}`)
    const report = await child.next<ServerReport>()
    expect(await child.next()).toBe('stopped')
    expect(leftovers(report)).toEqual([])
    child.process.stdin?.end()
    expect(await child.ended).toBe(0)
  })

  test('after an uncaught exception', async () => {
    const child = startChild(`${START} setTimeout(() => { throw new Error('on purpose') }); ${WAIT}`)
    const report = await child.next<ServerReport>()
    expect(await child.ended).toBe(1)
    expect(child.errors()).toContain('on purpose')
    expect(await eventually(() => leftovers(report))).toEqual([])
  })

  test('after process.exit()', async () => {
    const child = startChild(`${START} process.exit(3)`)
    const report = await child.next<ServerReport>()
    expect(await child.ended).toBe(3)
    expect(await eventually(() => leftovers(report))).toEqual([])
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('after %s to the process group', async (signal) => {
    const child = startChild(`${START} ${WAIT}`)
    const report = await child.next<ServerReport>()
    expect(isAlive(report.pid)).toBe(true)
    process.kill(-child.group, signal)
    expect(await child.ended).toBe(signal)
    expect(await eventually(() => leftovers(report))).toEqual([])
  })

  test('after SIGKILL with a frozen postmaster, which heeds no signal until it goes on', async () => {
    const child = startChild(`${START} await server.kill('SIGSTOP'); tell('frozen'); ${WAIT}`)
    const report = await child.next<ServerReport>()
    expect(await child.next()).toBe('frozen')
    child.process.kill('SIGKILL')
    await child.ended
    expect(await eventually(() => leftovers(report))).toEqual([])
  })

  test('of shared memory after a postmaster that was killed', async () => {
    const child = startChild(`${START} await server.kill('SIGKILL'); tell('killed'); ${WAIT}`)
    const report = await child.next<ServerReport>()
    expect(await child.next()).toBe('killed')
    const [, shared = 'none'] = readLock(report.home)
    expect(segments()).toContain(shared)
    child.process.kill('SIGKILL')
    await child.ended
    expect(await eventually(() => leftovers(report))).toEqual([])
    expect(segments()).not.toContain(shared)
  })

  describe('of a start that was interrupted', () => {
    let folder: string
    beforeAll(() => {
      folder = mkdtempSync(path.join(os.tmpdir(), 'rillflow-test-'))
      chmodSync(folder, 0o1777)
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    test('by SIGKILL while initdb runs', async () => {
      const child = startChild(`tell('go'); await startPostgres({ from: 'embedded', durable: true })`, {
        env: { TMPDIR: folder },
      })
      await child.next()
      const servers = (): string[] => readdirSync(folder).filter((each) => each.startsWith('rillflow-server-'))
      expect(await eventually(() => (servers().some(isInitializing) ? [] : ['not yet']))).toEqual([])
      child.process.kill('SIGKILL')
      await child.ended
      expect(await eventually(servers)).toEqual([])
    })

    function isInitializing(name: string): boolean {
      return existsSync(path.join(folder, name, 'data', 'base'))
    }
  })
})

test('no handler is installed in the process that starts a server', async () => {
  const child = startChild(`${TELL_LISTENERS} ${START} ${TELL_LISTENERS} await server.stop(); ${TELL_LISTENERS}`)
  const before = await child.next()
  await child.next()
  expect(await child.next()).toEqual(before)
  expect(await child.next()).toEqual(before)
  await child.ended
})

/** The id of the shared memory that the lock file of a server names. */
function readLock(home: string): string[] {
  const lines = readFileSync(path.join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')
  return (lines[6] ?? '').trim().split(/\s+/)
}

function segments(): string[] {
  return execFileSync('ipcs', ['-m'], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => line.split(/\s+/).slice(1, 2))
}
