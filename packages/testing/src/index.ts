export type {
  ContainerPostgres,
  EmbeddedPostgres,
  ExternalPostgres,
  PostgresMajor,
  PostgresServer,
  StartOptions,
} from './postgres-server.js'
export { startPostgres } from './start-postgres.js'
export { TestingError, type TestingErrorCode } from './testing-error.js'
