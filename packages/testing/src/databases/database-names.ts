import { createHash, randomBytes } from 'node:crypto'

/** The id of one test run, which leads the name of each database that the run makes. */
export function newRunId(): string {
  return randomBytes(4).toString('hex')
}

export function templateName(runId: string, template: string): string {
  // A digest: the caller's name may be long, or hold anything.
  const digest = createHash('sha256').update(template).digest('hex').slice(0, 16)
  return `rillflow_test_${runId}_template_${digest}`
}

export function newDatabaseName(runId: string): string {
  return `rillflow_test_${runId}_${randomBytes(6).toString('hex')}`
}

/** A pattern for `like` that finds the databases of one run. */
export function runPattern(runId: string): string {
  return `rillflow\\_test\\_${runId}\\_%`
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}
