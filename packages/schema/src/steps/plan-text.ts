import { lockKey } from '../database/take-turn.js'
import { recordMigrationText } from '../database/migration-table.js'
import { describeStep, type PlanStep } from './plan-step.js'

/** The steps as one script and one transaction, with the lock that a sync takes; empty when there is nothing to do. */
export function planText(schema: string, steps: readonly PlanStep[]): string {
  if (steps.length === 0) return ''
  return [
    // As JSON, names have no line ends that would end the comment.
    `-- Rillflow: schema ${JSON.stringify(schema)}`,
    'begin;',
    `select pg_advisory_xact_lock(${lockKey(schema)});`,
    ...steps.map((step) => stepText(schema, step)),
    'commit;\n',
  ].join('\n')
}

function stepText(schema: string, step: PlanStep): string {
  const lines = ['', `-- ${describeStep(step)}`, terminated(step.sql)]
  if (step.kind === 'migration') lines.push(recordMigrationText(schema, step))
  return lines.join('\n')
}

function terminated(sql: string): string {
  const text = sql.trimEnd()
  const lastLine = text.slice(text.lastIndexOf('\n') + 1)
  // A semicolon at the end of a comment ends nothing.
  return lastLine.endsWith(';') && !lastLine.includes('--') ? text : `${text}\n;`
}
