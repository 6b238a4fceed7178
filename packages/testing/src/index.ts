export type {
  ContainerPostgres,
  EmbeddedPostgres,
  ExternalPostgres,
  PostgresMajor,
  PostgresServer,
  StartOptions,
} from './postgres-server.js'
export type {
  AggregateShape,
  DecideOf,
  EventOf,
  PlaceShape,
  ScenarioEvent,
  StateOf,
} from './scenario/aggregate-shape.js'
export type { Expectations } from './scenario/expectations.js'
export type { ExpectedError } from './scenario/expected-error.js'
export { given, type GivenOptions, type Scenario } from './scenario/given.js'
export { ScenarioError } from './scenario/scenario-error.js'
export { startPostgres } from './start-postgres.js'
export { TestingError, type TestingErrorCode } from './testing-error.js'
