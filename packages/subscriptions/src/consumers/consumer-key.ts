import { InvalidArgumentError } from '@rillflow/core'

/** What a consumer is for. */
export type ConsumerKind = 'subscription' | 'projection'

/** Names a consumer, with all its partitions. */
export interface ConsumerKey {
  readonly kind: ConsumerKind
  readonly name: string
  /** Empty for the only one. */
  readonly group: string
}

/** The consumer in messages: `subscription "mailer" (group "eu")`. */
export function describeConsumer({ kind, name, group }: ConsumerKey): string {
  return `${kind} ${JSON.stringify(name)}${group === '' ? '' : ` (group ${JSON.stringify(group)})`}`
}

const most = 200

/**
 * Refuses what cannot name a consumer or a group: empty text, over 200 bytes, NUL, lone surrogates.
 *
 * @throws InvalidArgument
 */
export function checkName(argument: string, value: unknown): asserts value is string {
  const fits =
    typeof value === 'string' &&
    value !== '' &&
    value.isWellFormed() &&
    !value.includes('\0') &&
    Buffer.byteLength(value) <= most
  if (fits) return
  throw new InvalidArgumentError(argument, `${argument} must be text of 1 to ${most} bytes, without NUL.`)
}

/**
 * Refuses what is no whole number in a range.
 *
 * @throws InvalidArgument
 */
export function checkWhole(argument: string, value: unknown, [least, highest]: readonly [number, number]): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= highest) return
  throw new InvalidArgumentError(argument, `${argument} must be a whole number from ${least} to ${highest}.`)
}
