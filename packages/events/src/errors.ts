import { RillflowError } from '@rillflow/core'

/** The stream is archived: it can be read, and takes no event. */
export class StreamArchivedError extends RillflowError<'StreamArchived'> {
  readonly streamId: string
  constructor(streamId: string) {
    super(`Stream ${JSON.stringify(streamId)} is archived and takes no events.`, { code: 'StreamArchived' })
    this.streamId = streamId
  }
}

/** The stream was ended for good; its id cannot be used again. */
export class StreamTombstonedError extends RillflowError<'StreamTombstoned'> {
  readonly streamId: string
  constructor(streamId: string) {
    super(`Stream ${JSON.stringify(streamId)} is tombstoned; its id cannot be used again. Begin another stream.`, {
      code: 'StreamTombstoned',
    })
    this.streamId = streamId
  }
}

/** An event's type is in none of the store's families. */
export class UnknownEventTypeError extends RillflowError<'UnknownEventType'> {
  readonly type: string
  constructor(type: string, message: string) {
    super(message, { code: 'UnknownEventType' })
    this.type = type
  }
}

/** An append holds more than one statement can carry well. */
export class LimitExceededError extends RillflowError<'LimitExceeded'> {
  constructor(message: string) {
    super(message, { code: 'LimitExceeded' })
  }
}

/** A feed cannot be read safely in a transaction of this isolation level: rows may be hidden below the safe head. */
export class UnsafeIsolationError extends RillflowError<'UnsafeIsolation'> {
  constructor(level: string) {
    super(
      `The feed cannot be read in a ${level} transaction: its snapshot is older than the head, and events in between ` +
        'would be skipped. Read it on the store, or in a read committed transaction.',
      { code: 'UnsafeIsolation' },
    )
  }
}
