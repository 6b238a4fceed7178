import { RillflowError } from '@rillflow/core'

/** The text is no export, or not the whole of one; `line` is where that shows, from 1. */
export class MalformedExportError extends RillflowError<'MalformedExport'> {
  readonly line: number

  constructor(line: number, what: string, cause?: unknown) {
    super(`Export, line ${line}: ${what}`, { code: 'MalformedExport', cause })
    this.line = line
  }
}
