/** What a store would throw in place of this is told by its code, so that a scenario can expect it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: 'EvolveFailed' | 'InvalidArgument' | 'UnknownEventType' | 'UnstorableValue' | 'ValidationFailed'
  /** Of what cannot be stored. */
  declare readonly path?: readonly (string | number)[]
  /** The name of the one that does not fit. */
  declare readonly argument?: string

  constructor(code: RefusedError['code'], message: string, details: RefusalDetails = {}) {
    const { cause, ...told } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, told)
  }
}

/** What the store's own error has besides its code and message. */
interface RefusalDetails extends Pick<RefusedError, 'path' | 'argument'> {
  readonly cause?: unknown
}
