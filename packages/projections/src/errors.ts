import { RillflowError } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'

/** What a projection failed on. */
export interface FailedPlace {
  readonly projection: string
  /** Undefined when several events were written at once and nobody can tell which of them it was. */
  readonly event?: Pick<StoredEvent, 'type' | 'streamId' | 'position'> | undefined
  /** Of the document, where it was one document's trouble. */
  readonly key?: string | undefined
  readonly cause?: unknown
}

/** A projection could not make of an event what it should; nothing of it is stored. */
export class ProjectionFailedError extends RillflowError<'ProjectionFailed'> {
  readonly projection: string
  readonly eventType: string | undefined
  readonly streamId: string | undefined
  readonly position: number | undefined
  readonly key: string | undefined

  /** @param why what was wrong, as a sentence without what the event holds. */
  constructor({ projection, event, key, cause }: FailedPlace, why: string) {
    const at =
      event === undefined
        ? ''
        : ` on ${event.type}, at position ${event.position} in stream ${JSON.stringify(event.streamId)}`
    const which = key === undefined ? '' : ` The key is ${JSON.stringify(key.slice(0, 200))}.`
    super(`The projection ${projection} failed${at}: ${why}${which} Nothing of it is stored.`, {
      code: 'ProjectionFailed',
      cause,
    })
    this.projection = projection
    this.eventType = event?.type
    this.streamId = event?.streamId
    this.position = event?.position
    this.key = key
  }
}

/** A projection cannot be rebuilt here: what is stored was made by newer code. */
export class RebuildRefusedError extends RillflowError<'RebuildRefused'> {
  readonly projection: string
  constructor(projection: string, { own, stored }: { readonly own: number; readonly stored: number }) {
    super(
      `The projection ${projection} is stored in version ${stored}, and this process has version ${own} of it. ` +
        'Rebuild it with the newer code, or count its version up.',
      { code: 'RebuildRefused' },
    )
    this.projection = projection
  }
}

/** A projection did not come to a position in time. */
export class WaitTimeoutError extends RillflowError<'WaitTimeout'> {
  readonly projection: string
  readonly position: number
  constructor(
    projection: string,
    { wanted, position, why }: { readonly wanted: number; readonly position: number; readonly why: string },
  ) {
    super(`The projection ${projection} is at position ${position} and was waited for at ${wanted}: ${why}.`, {
      code: 'WaitTimeout',
      retryable: true,
    })
    this.projection = projection
    this.position = position
  }
}

/** The store has no projection of this name that workers bring on. */
export class ProjectionNotFoundError extends RillflowError<'ProjectionNotFound'> {
  constructor(name: string, known: readonly string[]) {
    super(
      `The store has no projection ${JSON.stringify(name.slice(0, 200))} that can be run or rebuilt; it has ` +
        `${known.length === 0 ? 'none' : known.join(', ')}. Put it into projections([…]).`,
      { code: 'ProjectionNotFound' },
    )
  }
}
