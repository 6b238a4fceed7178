import type { Logger } from '@rillflow/core'

/** A line that was logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** A logger that keeps what it is told. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = []
  const keep =
    (level: LogLine['level']) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message })
  return { logger: { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }, lines }
}
