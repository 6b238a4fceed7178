import { isRillflowError, RillflowError } from '@rillflow/core'
import { describeVersion, type EventVersion } from './upcaster.js'

/** Which stored event an error is about. */
export interface EventPlace {
  readonly streamId: string
  readonly version: number
  readonly position: number
}

/** How the place of an event is named to people. */
export function describePlace({ streamId, version, position }: EventPlace, article = 'the'): string {
  return `${article} event at position ${position} (version ${version} of stream ${JSON.stringify(streamId)})`
}

/** A stored event could not be brought to the form that the code knows; `cause` is what the upcaster threw. */
export class UpcastFailedError extends RillflowError<'UpcastFailed'> {
  /** The type and version with which the failing step begins. */
  readonly from: EventVersion
  /** What it leads to; undefined when there is no such step. */
  readonly to: EventVersion | undefined
  readonly streamId: string
  readonly version: number
  readonly position: number

  constructor(options: {
    from: EventVersion
    to: EventVersion | undefined
    place: EventPlace
    why: string
    cause?: unknown
  }) {
    const { from, to, place, why, cause } = options
    const step = to === undefined ? describeVersion(from) : `${describeVersion(from)} to ${describeVersion(to)}`
    super(`Upcasting ${describePlace(place)} from ${step} failed: ${why}`, {
      code: 'UpcastFailed',
      // One that looked something up may have failed for a reason that passes.
      retryable: isRillflowError(cause) && cause.retryable,
      cause,
    })
    this.from = from
    this.to = to
    this.streamId = place.streamId
    this.version = place.version
    this.position = place.position
  }
}

/** An event was stored by newer code, in a form that this code does not know. */
export class EventTooNewError extends RillflowError<'EventTooNew'> {
  readonly type: string
  /** The version that is stored. */
  readonly schemaVersion: number
  readonly streamId: string
  readonly version: number
  readonly position: number

  constructor(options: { type: string; schemaVersion: number; newest: number; place: EventPlace }) {
    const { type, schemaVersion, newest, place } = options
    super(
      `${describePlace(place, 'The')} is stored as ${describeVersion([type, schemaVersion])}; this code knows ${type} ` +
        `up to ${newest}. Deploy the upcasters of the code that wrote it, or choose another newerVersions.`,
      { code: 'EventTooNew' },
    )
    this.type = type
    this.schemaVersion = schemaVersion
    this.streamId = place.streamId
    this.version = place.version
    this.position = place.position
  }
}
