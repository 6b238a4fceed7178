import { randomBytes } from 'node:crypto'
import { ident, isRillflowError, type Connection, type TransactionClient } from '@rillflow/core'
import type { WantedSchema } from '../components/wanted-schema.js'
import { permissionDenied } from '../database/permission-denied.js'
import { endedItsTransaction, explainFailure, type Place } from '../steps/explain-failure.js'
import { pendingSteps } from '../steps/pending-steps.js'
import { describeStep, type PlanStep } from '../steps/plan-step.js'
import { readObjects, type CatalogObject } from './read-objects.js'
import { rollBack } from './roll-back.js'
import { toSchema } from './to-schema.js'

/** Where the expectation is for. */
export interface ExpectedPlace extends Place {
  readonly database: string
}

/** The objects of a schema, beside those that it should have. */
export interface ObjectsBeside {
  readonly expected: readonly CatalogObject[]
  readonly actual: readonly CatalogObject[]
}

/**
 * Reads what a schema has and what its migrations yield: they run in a scratch schema, in one transaction that is rolled
 * back, and the same queries read both.
 *
 * @throws PermissionDenied when the role may create no schema; MigrationFailed.
 */
export async function readBeside(
  connection: Connection,
  wanted: WantedSchema,
  place: ExpectedPlace,
): Promise<ObjectsBeside> {
  const scratch = `rf_scratch_${randomBytes(8).toString('hex')}`
  return rollBack(connection, async (client) => {
    await build(client, { wanted, scratch, place })
    const built = await readObjects(client, scratch)
    const actual = await readObjects(client, place.schema)
    const quoted = await quotedName(client, place.schema)
    return { expected: built.map((object) => toSchema(object, { scratch, schema: place.schema, quoted })), actual }
  })
}

interface Scratch {
  readonly wanted: WantedSchema
  readonly scratch: string
  readonly place: ExpectedPlace
}

async function build(client: TransactionClient, { wanted, scratch, place }: Scratch): Promise<void> {
  await createSchema(client, scratch, place)
  const transactionId = await currentTransaction(client)
  for (const step of stepsFromNothing(wanted, scratch)) {
    try {
      await client.queryObjects(describeStep(step), step.sql, [])
    } catch (error) {
      throw explainFailure(error, step, place)
    }
    if (step.kind === 'migration' && (await currentTransaction(client)) !== transactionId) {
      await client.queryObjects('verify: cleaning up', `drop schema if exists ${ident(scratch)} cascade`, [])
      throw endedItsTransaction(step, place.schema)
    }
  }
}

/** On an empty schema nothing is live: each step runs in the transaction. */
function stepsFromNothing(wanted: WantedSchema, scratch: string): readonly PlanStep[] {
  return pendingSteps(
    wanted,
    {
      schema: scratch,
      role: '',
      database: '',
      schemaExists: true,
      tableExists: false,
      applied: [],
      indexes: new Map(),
      liveTables: new Set(),
    },
    new Map(),
  )
}

async function createSchema(client: TransactionClient, scratch: string, place: ExpectedPlace): Promise<void> {
  try {
    await client.queryObjects('verify: creating a scratch schema', `create schema ${ident(scratch)}`, [])
  } catch (error) {
    if (!isRillflowError(error, 'PermissionDenied')) throw error
    const what = 'create the scratch schema in which the expected tables are built, and which is rolled back'
    throw permissionDenied(what, place.role, error, [
      `grant create on database ${ident(place.database)} to ${ident(place.role)}`,
    ])
  }
}

async function currentTransaction(client: TransactionClient): Promise<string> {
  const { rows } = await client.query<readonly [string]>({
    operation: 'verify: building what is expected',
    text: '/* rillflow:verify */ select pg_current_xact_id()::text as value',
    values: [],
  })
  return rows[0]?.[0] ?? ''
}

/** As the server writes it: with quotes only where it needs them. */
async function quotedName(client: TransactionClient, schema: string): Promise<string> {
  const { rows } = await client.query<readonly [string]>({
    operation: 'verify: building what is expected',
    text: '/* rillflow:verify */ select quote_ident($1::text) as value',
    values: [schema],
  })
  return rows[0]?.[0] ?? ''
}
