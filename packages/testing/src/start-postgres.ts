import { dockerMayAnswer, startContainer } from './container-server.js'
import { startEmbedded } from './embedded/start-embedded.js'
import { findExternal } from './external-server.js'
import type { EmbeddedPostgres, PostgresMajor, PostgresServer, StartOptions } from './postgres-server.js'
import { TestingError } from './testing-error.js'

type Source = 'auto' | 'url' | 'docker' | 'embedded'

/**
 * Starts (or finds) a real PostgreSQL and returns once a query has run on it.
 *
 * A server that this call starts never outlives the process, however that ends, and does not keep it alive either.
 * `from: 'embedded'` always starts a fresh private server.
 *
 * @throws {@link TestingError} that says what failed and what to do.
 *
 * @example
 * ```ts
 * await using server = await startPostgres({ from: 'embedded' })
 * const pool = new Pool({ connectionString: server.url })
 * ```
 */
export function startPostgres(options: StartOptions & { readonly from: 'embedded' }): Promise<EmbeddedPostgres>
export function startPostgres(options?: StartOptions): Promise<PostgresServer>
export async function startPostgres(options: StartOptions = {}): Promise<PostgresServer> {
  const wanted = { ...options, version: options.version ?? versionFromEnvironment() }
  switch (chooseSource(options)) {
    case 'url':
      return await findExternal(databaseUrl(), wanted)
    case 'docker':
      return await startContainer(wanted)
    case 'embedded':
      return await startEmbedded(wanted)
    case 'auto':
      return await startWhatAnswers(wanted)
  }
}

async function startWhatAnswers(options: StartOptions): Promise<PostgresServer> {
  if (needsEmbedded(options) || !dockerMayAnswer()) return await startEmbedded(options)
  const container = await startContainer(options).catch((error: unknown) => error)
  if (!(container instanceof Error)) return container as PostgresServer
  return await startEmbedded(options).catch((error: unknown) => {
    // Both reasons matter: the reader may have meant either way.
    const reasons = [error, container].map((reason) => (reason instanceof Error ? reason.message : String(reason)))
    throw new TestingError('START_FAILED', reasons.join('\nBefore that, Docker was tried: '), { cause: error })
  })
}

function chooseSource(options: StartOptions): Source {
  const source = options.from && options.from !== 'auto' ? options.from : sourceFromEnvironment()
  if (source !== 'auto') return source
  return process.env['DATABASE_URL'] && !needsEmbedded(options) ? 'url' : 'auto'
}

/** A folder or a port of one's own is something that only an embedded server can give. */
function needsEmbedded(options: StartOptions): boolean {
  return options.dataDirectory !== undefined || options.port !== undefined
}

function sourceFromEnvironment(): Source {
  const value = process.env['RILLFLOW_TEST_POSTGRES']
  if (!value) return 'auto'
  if (value === 'auto' || value === 'url' || value === 'docker' || value === 'embedded') return value
  throw new TestingError(
    'INVALID_OPTIONS',
    `RILLFLOW_TEST_POSTGRES is ${JSON.stringify(value)}; set it to url, docker or embedded, or leave it out.`,
  )
}

function versionFromEnvironment(): PostgresMajor | undefined {
  const value = process.env['RILLFLOW_TEST_POSTGRES_VERSION']
  if (!value) return undefined
  const major = ([14, 15, 16, 17, 18] as const).find((each) => String(each) === value)
  if (major) return major
  throw new TestingError(
    'INVALID_OPTIONS',
    `RILLFLOW_TEST_POSTGRES_VERSION is ${JSON.stringify(value)}; set it to 14, 15, 16, 17 or 18, or leave it out.`,
  )
}

function databaseUrl(): string {
  const url = process.env['DATABASE_URL']
  if (url) return url
  throw new TestingError(
    'INVALID_OPTIONS',
    "A server was asked for by URL and DATABASE_URL is not set; set it, or start one with from: 'embedded'.",
  )
}
