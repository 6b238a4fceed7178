import { InvalidArgumentError } from '@rillflow/core'

const uuidShape = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/**
 * Gives the id of an event back, which must be a UUID of whatever version.
 *
 * @throws InvalidArgument
 */
export function checkUuid(id: unknown): string {
  if (typeof id === 'string' && uuidShape.test(id)) return id
  throw new InvalidArgumentError('id', 'The id of an event must be a UUID.')
}
