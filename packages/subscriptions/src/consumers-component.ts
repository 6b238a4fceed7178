import type { SchemaComponent } from '@rillflow/core'
import consumers from '../sql/0001_consumers.sql'

/** What readers with a checkpoint keep in the database. Every module that has such readers asks for it. */
export const consumersComponent: SchemaComponent = {
  module: 'consumers',
  migrations: [{ number: 1, name: 'consumers', sql: consumers }],
}
