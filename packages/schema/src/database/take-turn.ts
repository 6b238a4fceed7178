import { createHash } from 'node:crypto'
import { InvalidArgumentError, type TransactionClient } from '@rillflow/core'

/** How long a sync waits, in milliseconds. */
export interface TurnOptions {
  /** For another sync of the same schema; without end unless told. */
  readonly waitTimeout?: number | undefined
  /** For each lock on a table; the role's own `lock_timeout` unless told. */
  readonly lockTimeout?: number | undefined
}

/**
 * Waits until no other sync is at work on the schema, and holds the others off until the transaction ends.
 *
 * Everything is local to the transaction: no session state, so it works behind PgBouncer in transaction mode.
 *
 * @returns the id of the transaction, by which a migration that ends it is found out.
 */
export async function takeTurn(client: TransactionClient, schema: string, options: TurnOptions): Promise<string> {
  // With the role's default of repeatable read, what is read after the wait would be as old as the wait is long.
  await run(client, 'set transaction isolation level read committed')
  const [before] = await run(client, `select current_setting('lock_timeout') as value`)
  // To wait for a sync that works is no reason to fail, however short the role's own lock_timeout is.
  await setLockTimeout(client, toSetting(options.waitTimeout ?? 0))
  await run(client, 'select pg_advisory_xact_lock($1::bigint)::text as locked', [lockKey(schema)])
  await setLockTimeout(client, options.lockTimeout === undefined ? String(before) : toSetting(options.lockTimeout))
  const [transactionId] = await run(client, 'select pg_current_xact_id()::text as value')
  return String(transactionId)
}

/** The advisory lock of a schema's migrations, as a signed 64-bit number; locks are per database already. */
export function lockKey(schema: string): string {
  return createHash('sha256').update(`rillflow:migrate:${schema}`).digest().readBigInt64BE().toString()
}

/** @throws InvalidArgument unless both are whole milliseconds that PostgreSQL can hold. */
export function checkTurnOptions(options: TurnOptions): void {
  for (const name of ['waitTimeout', 'lockTimeout'] as const) {
    const value = options[name]
    if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= 2 ** 31 - 1)) continue
    throw new InvalidArgumentError(name, `${name} must be whole milliseconds, from 0 (no limit) to 2^31 - 1.`)
  }
}

function toSetting(milliseconds: number): string {
  return `${milliseconds}ms`
}

async function setLockTimeout(client: TransactionClient, value: string): Promise<void> {
  await run(client, `select set_config('lock_timeout', $1::text, true) as value`, [value])
}

async function run(
  client: TransactionClient,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly unknown[]> {
  const { rows } = await client.query({
    operation: 'sync: taking the turn',
    text: `/* rillflow:sync */ ${text}`,
    values,
  })
  return rows[0] ?? []
}
