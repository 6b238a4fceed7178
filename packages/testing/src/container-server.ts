import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { ContainerPostgres, StartOptions } from './postgres-server.js'
import { serverSettings, settingArguments } from './server-settings.js'
import { serverVersion } from './server-version.js'
import { TestingError } from './testing-error.js'

/**
 * Whether anything hints at a container runtime. Loading Testcontainers takes most of a second, which a machine without
 * one need not spend.
 */
export function dockerMayAnswer(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['DOCKER_HOST']) return true
  const home = os.homedir()
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`
  return [
    '/var/run/docker.sock',
    path.join(home, '.testcontainers.properties'),
    path.join(home, '.docker/run/docker.sock'),
    path.join(home, '.docker/desktop/docker.sock'),
    path.join(home, '.colima/default/docker.sock'),
    path.join(runtime, 'docker.sock'),
    path.join(runtime, 'podman/podman.sock'),
  ].some((each) => existsSync(each))
}

/** Starts the official image by Testcontainers, which removes the container when the process dies. */
export async function startContainer(options: StartOptions): Promise<ContainerPostgres> {
  if (options.dataDirectory !== undefined || options.port !== undefined) {
    throw new TestingError(
      'INVALID_OPTIONS',
      "dataDirectory and port are for an embedded server; use from: 'embedded', or leave them out.",
    )
  }
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql').catch(unavailable('cannot be loaded'))
  const image = `postgres:${options.version ?? 18}-alpine`
  const container = await new PostgreSqlContainer(image)
    .withCommand(['postgres', ...settingArguments(serverSettings(options))])
    .start()
    .catch(unavailable(`could not start ${image}`))
  const url = container.getConnectionUri()
  const stop = async (): Promise<void> => void (await container.stop())
  const version = await serverVersion(url).catch(async (error: unknown) => {
    await stop()
    return unavailable(`started ${image}, which answers no query`)(error)
  })
  return { kind: 'testcontainers', url, version, stop, [Symbol.asyncDispose]: stop }
}

function unavailable(what: string): (error: unknown) => never {
  return (error) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TestingError(
      'DOCKER_UNAVAILABLE',
      `Testcontainers ${what}: ${reason}. Start Docker and install @testcontainers/postgresql, ` +
        "or use from: 'embedded' (RILLFLOW_TEST_POSTGRES=embedded), which needs neither.",
      { cause: error },
    )
  }
}
