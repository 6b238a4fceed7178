import { RillflowError } from './rillflow-error.js'

/** A path into a value: property names and array indexes from the root. */
export type ValuePath = readonly (string | number)[]

/** The options given to the library do not fit; the message says which one and what fits. */
export class InvalidConfigError extends RillflowError<'InvalidConfig'> {
  constructor(message: string) {
    super(message, { code: 'InvalidConfig' })
  }
}

/** An argument of a call does not fit; `argument` is its name. */
export class InvalidArgumentError extends RillflowError<'InvalidArgument'> {
  readonly argument: string
  constructor(argument: string, message: string) {
    super(message, { code: 'InvalidArgument' })
    this.argument = argument
  }
}

/** A name cannot be an SQL identifier. */
export class InvalidIdentifierError extends RillflowError<'InvalidIdentifier'> {
  constructor(message: string) {
    super(message, { code: 'InvalidIdentifier' })
  }
}

/** A value would not come back from JSON as it went in; `path` is where. */
export class UnstorableValueError extends RillflowError<'UnstorableValue'> {
  readonly path: ValuePath
  constructor(path: ValuePath, message: string) {
    super(message, { code: 'UnstorableValue' })
    this.path = path
  }
}

/** One thing that a schema found wrong with a value. */
export interface ValidationIssue {
  readonly path: ValuePath
  readonly message: string
}

/** A value does not fit the schema that it was declared with. */
export class ValidationError extends RillflowError<'ValidationFailed'> {
  readonly issues: readonly ValidationIssue[]
  constructor(message: string, issues: readonly ValidationIssue[]) {
    super(message, { code: 'ValidationFailed' })
    this.issues = issues
  }
}

/** A position, version or count from the database is beyond 2^53 - 1, where JavaScript numbers stop being exact. */
export class PositionOverflowError extends RillflowError<'PositionOverflow'> {
  constructor(what: string) {
    super(`${what} is beyond 2^53 - 1, the last integer that a JavaScript number holds exactly; it was not rounded.`, {
      code: 'PositionOverflow',
    })
  }
}

/** A module was built against another generation of core's module contract. */
export class ContractMismatchError extends RillflowError<'ContractMismatch'> {
  constructor(message: string) {
    super(message, { code: 'ContractMismatch' })
  }
}

/** The store, session or transaction was used after its end, or while it could not be. */
export class InvalidStateError extends RillflowError<'InvalidState'> {
  constructor(message: string) {
    super(message, { code: 'InvalidState' })
  }
}

/** The tenant is not known, or may not be used; no statement ran. */
export class UnknownTenantError extends RillflowError<'UnknownTenant'> {
  readonly tenant: string
  constructor(tenant: string, message: string) {
    super(message, { code: 'UnknownTenant' })
    this.tenant = tenant
  }
}

/** A call on one document, as an error names it. */
interface DocumentCall {
  /** What was being done: `put`, `get`. */
  readonly operation: string
  readonly collection: string
  readonly id: string
}

/** The call's signal was aborted before the call was sent; nothing of it was done. */
export class AbortedError extends RillflowError<'Aborted'> {
  /** The stream of an append; undefined for a document. */
  readonly streamId: string | undefined
  /** The collection and the id of a document; undefined for an append. */
  readonly collection: string | undefined
  readonly id: string | undefined

  /**
   * @param call the stream that was appended to, or what was done to which document.
   * @param reason the signal's own.
   */
  constructor(call: string | DocumentCall, reason: unknown) {
    const isAppend = typeof call === 'string'
    const what = isAppend
      ? `The append to stream ${JSON.stringify(call)}`
      : `The ${call.operation} of document ${JSON.stringify(call.id)} of ${JSON.stringify(call.collection)}`
    super(`${what} was aborted before it was sent; nothing was ${isAppend ? 'written' : 'done'}.`, {
      code: 'Aborted',
      cause: reason,
    })
    this.streamId = isAppend ? call : undefined
    this.collection = isAppend ? undefined : call.collection
    this.id = isAppend ? undefined : call.id
  }
}

/** More calls wait than the queue takes; nothing of this one was done. */
export class OverloadedError extends RillflowError<'Overloaded'> {
  constructor(maxQueued: number, calls: 'appends' | 'reads' | 'writes' = 'appends') {
    super(
      `${maxQueued} ${calls} are waiting already; this one was not queued and nothing of it was done. ` +
        `Slow down and try again${calls === 'appends' ? ', or raise groupCommit.maxQueued' : ''}.`,
      { code: 'Overloaded', retryable: true },
    )
  }
}
