import type { ExternalPostgres, StartOptions } from './postgres-server.js'
import { serverVersion } from './server-version.js'
import { TestingError } from './testing-error.js'

/** Checks the server behind a URL, which stays as it is. */
export async function findExternal(url: string, options: StartOptions): Promise<ExternalPostgres> {
  if (options.dataDirectory !== undefined || options.port !== undefined) {
    throw new TestingError(
      'INVALID_OPTIONS',
      "dataDirectory and port are for a server that this call starts; use from: 'embedded', or leave them out.",
    )
  }
  const version = await serverVersion(url).catch((error: unknown) => {
    throw new TestingError(
      'URL_UNREACHABLE',
      `No query could be run on the server in DATABASE_URL (${withoutPassword(url)}): ${reason(error)}. ` +
        'Start it, correct the URL, or unset DATABASE_URL to use an embedded server.',
      { cause: error },
    )
  })
  if (options.version !== undefined && Number.parseInt(version, 10) !== options.version) {
    throw new TestingError(
      'INVALID_OPTIONS',
      `PostgreSQL ${options.version} was asked for and the server in DATABASE_URL is ${version}; ` +
        "use another server, or from: 'embedded'.",
    )
  }
  const stop = async (): Promise<void> => {}
  return { kind: 'url', url, version, stop, [Symbol.asyncDispose]: stop }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'not a URL'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

function reason(error: unknown): string {
  // A refused connection to a name with several addresses is an AggregateError without a message.
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ')
  return error instanceof Error ? error.message : String(error)
}
