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
