import { ident, literal, type Statement } from '@rillflow/core'
import type { WantedMigration } from '../components/wanted-schema.js'

/** The columns that make a table called `migrations` ours. */
export const migrationColumns = ['module', 'number', 'name', 'checksum', 'applied_at'] as const

/** The table that records what ran, and the one by which starters tell each other of an index that they build. */
export function createMigrationTable(schema: string): string {
  return `create table ${ident(schema)}.migrations (
  module text not null,
  number integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (module, number)
);
create table ${ident(schema)}.index_builds (
  name text primary key,
  builder text not null,
  claimed_until timestamptz not null
);`
}

/** A migration and the module that brings it. */
export type OwnedMigration = Pick<WantedMigration, 'number' | 'name' | 'checksum'> & { readonly module: string }

/** Records a migration as applied, if the transaction is still `transactionId`: else nothing is recorded. */
export function recordMigration(schema: string, migration: OwnedMigration, transactionId: string): Statement {
  const { module, number, name, checksum } = migration
  return {
    operation: 'sync: recording a migration',
    text: `/* rillflow:record-migration */
insert into ${ident(schema)}.migrations (module, number, name, checksum)
select $1::text, $2::integer, $3::text, $4::text
where pg_current_xact_id()::text = $5::text`,
    values: [module, number, name, checksum, transactionId],
  }
}

/** The same as text, for people who run the plan themselves. */
export function recordMigrationText(schema: string, migration: OwnedMigration): string {
  const { module, number, name, checksum } = migration
  const values = [literal(module), number, literal(name), literal(checksum)].join(', ')
  return `insert into ${ident(schema)}.migrations (module, number, name, checksum)\nvalues (${values});`
}
