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
export type { DocumentExpectations } from './scenario/projection/document-expectations.js'
export { givenEvents, type HappenOptions, type ProjectionScenario } from './scenario/projection/given-events.js'
export type {
  DocumentOf,
  EventPlace,
  ProjectionShape,
  StreamEventOf,
  StreamFamilyShape,
} from './scenario/projection/projection-shape.js'
export { ScenarioError } from './scenario/scenario-error.js'
export { startPostgres } from './start-postgres.js'
export { TestingError, type TestingErrorCode } from './testing-error.js'
