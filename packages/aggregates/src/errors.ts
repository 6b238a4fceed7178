import { RillflowError } from '@rillflow/core'

/** An aggregate was to be created, and is there already. */
export class AggregateExistsError extends RillflowError<'AggregateExists'> {
  readonly aggregate: string
  readonly id: string
  /** The version of its stream. */
  readonly actual: number
  constructor(aggregate: string, id: string, actual: number) {
    super(
      `${describe(aggregate, id)} exists already, at version ${actual}. Update it, or execute on whatever is there.`,
      { code: 'AggregateExists' },
    )
    this.aggregate = aggregate
    this.id = id
    this.actual = actual
  }
}

/** An aggregate was to be changed, and is not there. */
export class AggregateNotFoundError extends RillflowError<'AggregateNotFound'> {
  readonly aggregate: string
  readonly id: string
  constructor(aggregate: string, id: string) {
    super(`${describe(aggregate, id)} does not exist. Create it, or execute on whatever is there.`, {
      code: 'AggregateNotFound',
    })
    this.aggregate = aggregate
    this.id = id
  }
}

/** A definition could not make a state of an event. */
export class EvolveFailedError extends RillflowError<'EvolveFailed'> {
  readonly aggregate: string
  readonly id: string
  readonly version: number
  readonly type: string
  constructor(place: { aggregate: string; id: string; version: number; type: string; cause?: unknown }, why: string) {
    const { aggregate, id, version, type, cause } = place
    super(`${describe(aggregate, id)}: evolve for ${type}, version ${version}, ${why}`, { code: 'EvolveFailed', cause })
    this.aggregate = aggregate
    this.id = id
    this.version = version
    this.type = type
  }
}

function describe(aggregate: string, id: string): string {
  return `The aggregate ${aggregate} ${JSON.stringify(id.length > 200 ? `${id.slice(0, 200)}…` : id)}`
}
