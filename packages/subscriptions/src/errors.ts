import { RillflowError } from '@rillflow/core'

/** Somebody else works on the consumer, or an operator has changed it: what was done under the lease is undone. */
export class LeaseLostError extends RillflowError<'LeaseLost'> {
  readonly consumer: string
  constructor(consumer: string) {
    super(
      `The lease on ${consumer} is lost: another worker took it over, or an operator paused, reset or changed it. ` +
        'What was not checkpointed is handled again by whoever holds the lease now.',
      { code: 'LeaseLost', retryable: true },
    )
    this.consumer = consumer
  }
}

/** A consumer stopped at an event that it could not handle, as its policy says. */
export class ConsumerStoppedError extends RillflowError<'ConsumerStopped'> {
  readonly consumer: string
  readonly position: number
  constructor(consumer: string, position: number, cause: unknown) {
    super(
      `${upperFirst(consumer)} stopped at position ${position}, which it could not handle. ` +
        'Mend the cause, then resume it; or skip the event by a reset to that position.',
      { code: 'ConsumerStopped', cause },
    )
    this.consumer = consumer
    this.position = position
  }
}

/** A handler was not done in time. */
export class HandlerTimeoutError extends RillflowError<'HandlerTimeout'> {
  constructor(consumer: string, milliseconds: number) {
    super(`The handler of ${consumer} was not done within ${milliseconds} ms. Heed its signal, or raise \`timeout\`.`, {
      code: 'HandlerTimeout',
    })
  }
}

/** No consumer of this name, or no dead letter of this id, is there. */
export class ConsumerNotFoundError extends RillflowError<'ConsumerNotFound'> {
  constructor(what: string) {
    super(`There is no ${what}. Names are listed by \`list()\`; one comes to be when it is first run or created.`, {
      code: 'ConsumerNotFound',
    })
  }
}

function upperFirst(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
