import { isRillflowError, RillflowError } from '@rillflow/core'

/**
 * An import ended before its source did. `row` is the place in the source, from 1, of the event that was refused, or of
 * the first one of the batch that failed as a whole; `cause` says why. `imported` events of this run are stored, in
 * whole batches, and nothing behind them.
 */
export class ImportFailedError extends RillflowError<'ImportFailed'> {
  readonly row: number
  readonly imported: number

  constructor(options: { row: number; imported: number; name: string | undefined; cause: unknown }) {
    const { row, imported, name, cause } = options
    const why = isRillflowError(cause) ? cause.message : 'the source, or a schema, threw what is the cause.'
    const next =
      name === undefined
        ? 'Import what is left, or give the import a name, and a run after a failure goes on by itself.'
        : `A run with the name ${JSON.stringify(name)} goes on behind what is stored.`
    super(`Import, row ${row}: ${why} This run had stored ${imported} events before the batch of that row. ${next}`, {
      code: 'ImportFailed',
      // Without a name a second run would store again what the first one has stored.
      retryable: name !== undefined && mayBeRunAgain(cause),
      cause,
    })
    this.row = row
    this.imported = imported
  }
}

/** A run with a name looks itself what became of a lost COMMIT. */
function mayBeRunAgain(cause: unknown): boolean {
  return isRillflowError(cause) && (cause.retryable || cause.code === 'CommitOutcomeUnknown')
}

/** Carries what one row was refused for to where the rest is known. */
export class RowRefusal extends Error {
  readonly row: number

  constructor(row: number, cause: unknown) {
    super('a row of an import was refused', { cause })
    this.row = row
  }
}
