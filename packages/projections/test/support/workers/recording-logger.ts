import type { Logger } from '@rillflow/core'

/** A logger that keeps its messages. */
export function recordingLogger(): { readonly logger: Logger; readonly messages: readonly string[] } {
  const messages: string[] = []
  const keep = (_: object, message: string): void => void messages.push(message)
  return { logger: { debug: keep, info: keep, warn: keep, error: keep }, messages }
}
