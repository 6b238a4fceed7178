import type { Logger } from '@rillflow/core'

/** A warning or an error that was logged. */
export interface Complaint {
  readonly level: 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** A logger that keeps the warnings and errors that it is told. */
export function recordingLogger(): { readonly logger: Logger; readonly complaints: readonly Complaint[] } {
  const complaints: Complaint[] = []
  const keep =
    (level: Complaint['level']) =>
    (fields: object, message: string): void =>
      void complaints.push({ level, fields, message })
  const ignore = (): void => undefined
  return { logger: { debug: ignore, info: ignore, warn: keep('warn'), error: keep('error') }, complaints }
}
