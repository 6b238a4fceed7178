import {
  createStore,
  moduleContract,
  singleTenant,
  type ConnectionOptions,
  type Logger,
  type Module,
  type SchemaComponent,
} from '@rillflow/core'
import { afterEach } from 'vitest'

/** A module that has tables and nothing else. */
export function moduleOf(component: SchemaComponent): Module {
  return {
    name: `test-${component.module}`,
    contract: moduleContract,
    components: [component],
    install: () => ({ store: () => ({}), transaction: () => ({}) }),
  }
}

// A store listens to the pool that it is given until it is closed.
const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store[Symbol.asyncDispose]()
})

/** A store of such modules, closed after the test. */
export function testStore(options: {
  connection: ConnectionOptions
  schema?: string | undefined
  components: readonly SchemaComponent[]
  logger?: Logger | undefined
}) {
  const { connection, schema, components, logger } = options
  const store = createStore({
    connection,
    logger,
    tenancy: singleTenant({ schema }),
    modules: Object.fromEntries(components.map((component, place) => [`m${place}`, moduleOf(component)])),
  })
  open.push(store)
  return store
}
