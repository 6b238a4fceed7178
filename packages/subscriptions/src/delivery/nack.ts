/** Carries what a consumer said of an event that it gave up. */
class Nack extends Error {}

/** The error for an event that its consumer gives up: it is not tried again. */
export function nacked(reason: unknown): Error {
  const message = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : 'given up'
  return new Nack(message, { cause: reason })
}

/** Whether the error asks for no further attempt. */
export function giveUpAtOnce(error: unknown): boolean {
  return error instanceof Nack
}
