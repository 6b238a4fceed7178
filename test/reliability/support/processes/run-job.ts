import type { Logger } from '@rillflow/core'
import { Steps } from './steps.js'
import { tell, type Point } from './words.js'

/** What a process has to work with. */
export interface JobTools {
  readonly steps: Steps
  /** Aborted when the process is asked to end. */
  readonly stop: AbortSignal
  /** When that was; undefined before. */
  readonly stoppedAt: () => number | undefined
  readonly logger: Logger
}

/** What every job may have. */
interface AnyJob {
  readonly points?: readonly Point[] | undefined
}

/** The job that the parent gave to this process. */
export function givenJob(): unknown {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Does the job of this process, tells the parent what came of it, and ends. */
export function runJob(job: AnyJob, work: (tools: JobTools) => Promise<unknown>): void {
  const stopping = new AbortController()
  let stoppedAt: number | undefined
  process.once('disconnect', () => process.exit(1))
  process.once('SIGTERM', () => {
    stoppedAt = performance.now()
    stopping.abort()
  })
  const steps = new Steps(job.points ?? [], `${process.argv[3]}`)
  work({ steps, stop: stopping.signal, stoppedAt: () => stoppedAt, logger: tellingLogger() }).then(
    async (report) => {
      await tell({ kind: 'done', report })
      process.exit(0)
    },
    async (error: unknown) => {
      await tell({ kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      process.exit(1)
    },
  )
}

function tellingLogger(): Logger {
  const log = (fields: object, line: string): void => {
    const { err } = fields as { readonly err?: unknown }
    void tell({ kind: 'log', line: err instanceof Error ? `${line}: ${err.message.slice(0, 200)}` : line })
  }
  return { debug: () => undefined, info: log, warn: log, error: log }
}
