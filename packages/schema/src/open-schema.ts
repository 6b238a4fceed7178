import { ident, internalsOf, InvalidArgumentError, type Connection, type Logger } from '@rillflow/core'
import { wantedSchema, type WantedSchema } from './components/wanted-schema.js'
import { readState, type SchemaState } from './database/read-state.js'
import type { Reader } from './database/reader.js'

/** Which schema of a store is meant. */
export interface TargetOptions {
  /** Required by a store of many tenants, and refused by a store of one. */
  readonly tenant?: string | undefined
}

/** One schema of one store, and what the code asks of it. */
export interface OpenSchema {
  readonly connection: Connection
  readonly logger: Logger
  readonly schema: string
  readonly tenant: string | undefined
  readonly wanted: WantedSchema
  /** What the database has now. */
  readonly read: (reader: Reader) => Promise<SchemaState>
}

/** Resolves the tenant and checks what the modules ask for, before any statement. */
export async function openSchema(store: object, options: TargetOptions): Promise<OpenSchema> {
  const { connection, logger, tenancy, components } = internalsOf(store)
  if (tenancy.mode === 'single' && options.tenant !== undefined) {
    throw new InvalidArgumentError('tenant', 'This store has one tenant; leave the option `tenant` out.')
  }
  const wanted = wantedSchema(components)
  const { schema, tenant } = await tenancy.resolve(options.tenant)
  ident(schema)
  const indexes = wanted.modules.flatMap((module) => module.indexes)
  return { connection, logger, schema, tenant, wanted, read: (reader) => readState(reader, schema, indexes) }
}
