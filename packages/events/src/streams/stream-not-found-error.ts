import { RillflowError } from '@rillflow/core'

/** There is no stream of this id. */
export class StreamNotFoundError extends RillflowError<'StreamNotFound'> {
  readonly streamId: string
  constructor(streamId: string) {
    super(`Stream ${JSON.stringify(streamId)} does not exist. Check the id, or append its first event.`, {
      code: 'StreamNotFound',
    })
    this.streamId = streamId
  }
}
