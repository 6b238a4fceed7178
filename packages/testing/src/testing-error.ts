/**
 * What went wrong, stable across releases.
 *
 * - `INVALID_OPTIONS`: the options contradict each other, or the source that was chosen cannot honour them
 * - `URL_UNREACHABLE`: no query could be run on the server that the URL names
 * - `DOCKER_UNAVAILABLE`: Testcontainers is not installed, or no container could be started
 * - `NO_BINARIES`: there is no package with PostgreSQL binaries for this platform and version
 * - `NO_ACCOUNT`: running as root, and there is no unprivileged account that could run the server
 * - `STAGE_UNTRUSTED`: the folder for the staged binaries belongs to somebody else
 * - `NO_FOLDER`: no temporary folder that the server's account can reach
 * - `INIT_FAILED`: `initdb` failed
 * - `PORT_TAKEN`: the port that was asked for is in use
 * - `START_FAILED`: the server ended, or did not answer, while it was starting
 * - `NOT_RUNNING`: the server is needed and has stopped
 * - `NO_LOG`: the log of this server cannot be read
 * - `NO_GLOBAL_SETUP`: `useDatabase` found no server, since the global setup did not run
 * - `NO_DATABASE`: the test database was used outside its file's tests
 */
export type TestingErrorCode =
  | 'INVALID_OPTIONS'
  | 'URL_UNREACHABLE'
  | 'DOCKER_UNAVAILABLE'
  | 'NO_BINARIES'
  | 'NO_ACCOUNT'
  | 'STAGE_UNTRUSTED'
  | 'NO_FOLDER'
  | 'INIT_FAILED'
  | 'PORT_TAKEN'
  | 'START_FAILED'
  | 'NOT_RUNNING'
  | 'NO_LOG'
  | 'NO_GLOBAL_SETUP'
  | 'NO_DATABASE'

/** Every failure of this package; the message says what failed and what to do. */
export class TestingError extends Error {
  override readonly name = 'TestingError'
  readonly code: TestingErrorCode

  constructor(code: TestingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
