import { RillflowError } from '@rillflow/core'

export { AbortedError, OverloadedError } from '@rillflow/core'

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

/** The key was used on this stream before, for other events. */
export class IdempotencyMismatchError extends RillflowError<'IdempotencyMismatch'> {
  readonly streamId: string
  readonly idempotencyKey: string
  constructor(streamId: string, idempotencyKey: string) {
    super(
      `The idempotency key ${JSON.stringify(idempotencyKey)} was used on stream ${JSON.stringify(streamId)} before, for ` +
        'events of other types or data. Nothing was written. Give each intention a key of its own.',
      { code: 'IdempotencyMismatch' },
    )
    this.streamId = streamId
    this.idempotencyKey = idempotencyKey
  }
}

/** An import would store events that are projected inline, and projects nothing. */
export class ImportNotProjectedError extends RillflowError<'ImportNotProjected'> {
  readonly type: string
  constructor(type: string) {
    super(
      `Events of type ${JSON.stringify(type)} are projected inline, and an import projects nothing. Import with ` +
        "inline: 'skip', and rebuild the inline projections of the types imported afterwards.",
      { code: 'ImportNotProjected' },
    )
    this.type = type
  }
}

/**
 * A sequence is behind what is stored, as after a restore of the tables without it: new events would be given positions
 * that are taken or that readers have passed, or new streams the number of another.
 */
export class SequenceBehindError extends RillflowError<'SequenceBehind'> {
  constructor(schema: string, cause?: unknown) {
    super(
      `A sequence of schema ${JSON.stringify(schema)} is behind the events that are stored. Set both right before anything ` +
        'is appended: select setval(\'"<schema>".events_position_seq\', (select max(position) from "<schema>".events)), ' +
        'setval(\'"<schema>".streams_stream_no_seq\', (select max(stream_no) from "<schema>".streams));',
      { code: 'SequenceBehind', cause },
    )
  }
}
