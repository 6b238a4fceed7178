/** What a store would throw in place of this is told by its code, so that a scenario can expect it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: 'EvolveFailed' | 'InvalidArgument' | 'UnknownEventType' | 'UnstorableValue' | 'ValidationFailed'

  constructor(code: RefusedError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
