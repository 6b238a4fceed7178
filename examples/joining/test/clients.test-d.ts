import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Knex } from 'knex'
import type { Kysely } from 'kysely'
import type { Sql } from 'postgres'
import { drizzleClient } from '../src/clients/drizzle-client.js'
import { knexClient } from '../src/clients/knex-client.js'
import { kyselyClient } from '../src/clients/kysely-client.js'
import { postgresJsClient } from '../src/clients/postgres-js-client.js'
import type * as schema from '../src/place-order/with-drizzle.js'
import type { Tables } from '../src/place-order/with-kysely.js'

declare const drizzleDb: NodePgDatabase<typeof schema>
declare const kyselyDb: Kysely<Tables>
declare const knex: Knex
declare const sql: Sql<{ bigint: bigint }>

// A transaction fits, with a schema, with types of its own.
void drizzleDb.transaction(async (tx) => drizzleClient(tx))
void kyselyDb.transaction().execute(async (trx) => kyselyClient(trx))
void knex.transaction(async (trx) => knexClient(trx))
void sql.begin((tx) => [postgresJsClient(tx)])

// @ts-expect-error: a database is no transaction
drizzleClient(drizzleDb)
// @ts-expect-error: a database is no transaction
kyselyClient(kyselyDb)
// @ts-expect-error: a Knex is no transaction
knexClient(knex)
// @ts-expect-error: an Sql is no transaction
postgresJsClient(sql)
