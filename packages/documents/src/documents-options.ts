import { InvalidConfigError } from '@rillflow/core'

/** How the documents of a store work. */
export interface DocumentsOptions {
  /** How long to look for the outcome of a write whose connection was lost, in milliseconds; 10,000 unless told. */
  readonly outcomeTimeout?: number | undefined
}

/** The options with what is not told. @throws InvalidConfig */
export function withDefaults({ outcomeTimeout = 10_000 }: DocumentsOptions): { readonly outcomeTimeout: number } {
  if (Number.isFinite(outcomeTimeout) && outcomeTimeout >= 0) return { outcomeTimeout }
  throw new InvalidConfigError(
    `documents(…): outcomeTimeout is ${outcomeTimeout}; give milliseconds from 0, or leave it out for 10,000.`,
  )
}
