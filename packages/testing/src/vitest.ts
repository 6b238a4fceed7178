export type { DatabaseOptions, TestDatabase } from './databases/test-database.js'
export type { ProvidedServer } from './provided-server.js'
export { useDatabase } from './use-database.js'
