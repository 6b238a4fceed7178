import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { dockerMayAnswer } from '../src/container-server.js'
import { createDatabase } from '../src/databases/create-database.js'
import { withClient } from '../src/databases/with-client.js'
import { freePort } from '../src/embedded/free-port.js'
import { setup, type ProvidedServer } from '../src/global-setup.js'

const hasDocker = dockerMayAnswer()

let server: EmbeddedPostgres
beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
})
afterAll(() => server.stop())

beforeEach(() => {
  for (const name of ['DATABASE_URL', 'RILLFLOW_TEST_POSTGRES', 'RILLFLOW_TEST_POSTGRES_VERSION']) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the choice of a server', () => {
  test('DATABASE_URL wins, and stop() leaves that server alone', async () => {
    vi.stubEnv('DATABASE_URL', server.url)
    const found = await startPostgres()
    expect(found).toMatchObject({ kind: 'url', url: server.url, version: server.version })
    await found.stop()
    await expect(withClient(server.url, (client) => client.query('select 1'))).resolves.toMatchObject({ rowCount: 1 })
  })

  test.each(['embedded', 'a port'])('%s asks for a private one in spite of DATABASE_URL', async (what) => {
    vi.stubEnv('DATABASE_URL', server.url)
    await using own = await startPostgres(what === 'embedded' ? { from: what } : { port: await freePort() })
    expect(own.kind).toBe('embedded')
    expect(own.url).not.toBe(server.url)
  })

  test('RILLFLOW_TEST_POSTGRES=embedded goes before DATABASE_URL', async () => {
    vi.stubEnv('DATABASE_URL', server.url)
    vi.stubEnv('RILLFLOW_TEST_POSTGRES', 'embedded')
    await using own = await startPostgres()
    expect(own.kind).toBe('embedded')
  })

  test.skipIf(hasDocker)('without Docker, docker fails and says what to do', async () => {
    await expect(startPostgres({ from: 'docker' })).rejects.toMatchObject({
      code: 'DOCKER_UNAVAILABLE',
      message: expect.stringMatching(/Start Docker.*from: 'embedded'/),
    })
  })

  test.skipIf(hasDocker)('a Docker that does not answer is passed over', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1')
    await using own = await startPostgres()
    expect(own.kind).toBe('embedded')
  })

  test('RILLFLOW_TEST_POSTGRES and its version are read strictly', async () => {
    vi.stubEnv('RILLFLOW_TEST_POSTGRES', 'podman')
    await expect(startPostgres()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    vi.stubEnv('RILLFLOW_TEST_POSTGRES', 'embedded')
    vi.stubEnv('RILLFLOW_TEST_POSTGRES_VERSION', '9')
    await expect(startPostgres()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })
})

describe('a server by URL', () => {
  test('needs DATABASE_URL', async () => {
    await expect(startPostgres({ from: 'url' })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })

  test('that does not answer is named without its password', async () => {
    vi.stubEnv('DATABASE_URL', 'postgresql://ada:s3cret@127.0.0.1:1/app')
    const error: unknown = await startPostgres().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'URL_UNREACHABLE', message: expect.stringContaining('127.0.0.1:1/app') })
    expect(String(error)).not.toContain('s3cret')
  })

  test('must have the version that was asked for', async () => {
    vi.stubEnv('DATABASE_URL', server.url)
    const other = server.version.startsWith('14.') ? 15 : 14
    await expect(startPostgres({ version: other })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })

  test('cannot give a port or a folder', async () => {
    vi.stubEnv('DATABASE_URL', server.url)
    await expect(startPostgres({ from: 'url', port: 5432 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })
})

describe('the global setup', () => {
  async function databases(): Promise<string[]> {
    const { rows } = await withClient(server.url, (client) =>
      client.query<{ datname: string }>('select datname from pg_database order by 1'),
    )
    return rows.map((each) => each.datname)
  }

  async function run(work: (provided: ProvidedServer) => Promise<void>): Promise<void> {
    let provided: ProvidedServer | undefined
    const teardown = await setup({ provide: (_, value) => void (provided = value) })
    if (!provided) throw new Error('nothing was provided')
    await work(provided)
    await teardown()
  }

  test("drops what the run has made on somebody else's server, and nothing more", async () => {
    vi.stubEnv('DATABASE_URL', server.url)
    await withClient(server.url, (client) => client.query('create database rillflow_test_of_another_run'))
    const before = await databases()
    await run(async ({ url, kind, runId, logFile }) => {
      expect({ url, kind, logFile }).toEqual({ url: server.url, kind: 'url', logFile: undefined })
      await createDatabase({ url, runId, template: 'any', migrate: async () => {} })
      expect((await databases()).length).toBe(before.length + 2)
    })
    expect(await databases()).toEqual(before)
  })

  test('stops the server that it has started', async () => {
    await run(async ({ url, kind }) => {
      expect(kind).toBe(hasDocker ? 'testcontainers' : 'embedded')
      const { rows } = await withClient(url, (client) => client.query('show max_connections'))
      expect(rows).toEqual([{ max_connections: '200' }])
      stopped = url
    })
    await expect(withClient(stopped, (client) => client.query('select 1'))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  let stopped = ''
})
