import type { TransactionScope } from '@rillflow/core'
import { appendOne, type AppendOutcome } from './append-events.js'
import type { AppendHooks } from './append-hooks.js'
import { appendReading } from './append-reading.js'
import type { PreparedAppend } from './prepare-append.js'

/** The last append of each transaction that others of it must wait for. */
const turns = new WeakMap<TransactionScope, Promise<unknown>>()

/**
 * Writes one append inside a transaction, together with what the hooks make of it. One behind the other: a hook that loads
 * what it changes must see what the one before has written. Appends that no hook wants keep their place among them.
 */
export async function appendInside(
  scope: TransactionScope,
  schema: string,
  append: PreparedAppend,
  hooks: AppendHooks,
): Promise<AppendOutcome> {
  const write = (): Promise<AppendOutcome> => appendOne(scope, schema, append, { notify: false, inTransaction: true })
  if (hooks.isEmpty) return write()
  const wanted = hooks.wantsOf(append)
  const before = turns.get(scope)
  if (!wanted && before === undefined) return write()
  const work = wanted ? () => appendHooked(scope, schema, append, hooks) : write
  const turn = before === undefined ? work() : before.then(work, work)
  turns.set(scope, turn)
  return turn
}

async function appendHooked(
  scope: TransactionScope,
  schema: string,
  append: PreparedAppend,
  hooks: AppendHooks,
): Promise<AppendOutcome> {
  const read = await appendReading(scope, { schema, appends: [append], notify: false, inTransaction: true }, hooks)
  try {
    await hooks.run(scope, read)
  } catch (error) {
    await spoil(scope)
    throw error
  }
  return read.outcomes[0] as AppendOutcome
}

/**
 * Makes the server refuse the COMMIT: whoever catches the error of a hook must not store the events without what belongs to
 * them. Not a savepoint, which would cost every append, and would undo what the transaction sent beside it.
 */
async function spoil(scope: TransactionScope): Promise<void> {
  const text =
    "/* rillflow:append */ select 'what belongs to an append has failed, so its transaction cannot commit'::int"
  await scope.query({ operation: 'append', text, values: [] }).catch(() => undefined)
}
