import { lockKey } from '../database/take-turn.js'
import { recordMigrationText } from '../database/migration-table.js'
import { describeStep, isConcurrent, type PlanStep } from './plan-step.js'

/**
 * The steps as one script; empty when there is nothing to do. What runs in transactions is one transaction, with the lock
 * that a sync takes, as long as nothing that is built concurrently stands in between.
 */
export function planText(schema: string, steps: readonly PlanStep[]): string {
  if (steps.length === 0) return ''
  // As JSON, names have no line ends that would end the comment.
  const lines = [`-- Rillflow: schema ${JSON.stringify(schema)}`]
  let open = false
  for (const step of steps) {
    const outside = isConcurrent(step)
    if (open && outside) lines.push('commit;')
    if (outside) lines.push('', '-- Runs outside a transaction: PostgreSQL refuses it in one. Reads and writes go on.')
    if (!open && !outside) lines.push('begin;', `select pg_advisory_xact_lock(${lockKey(schema)});`)
    open = !outside
    lines.push(stepText(schema, step))
  }
  if (open) lines.push('commit;')
  return `${lines.join('\n')}\n`
}

function stepText(schema: string, step: PlanStep): string {
  const lines = [`-- ${describeStep(step)}`, terminated(step.sql)]
  if (!isConcurrent(step)) lines.unshift('')
  if (step.kind === 'migration') lines.push(recordMigrationText(schema, step))
  if (step.kind === 'createIndex') lines.push(step.mark)
  return lines.join('\n')
}

function terminated(sql: string): string {
  const text = sql.trimEnd()
  const lastLine = text.slice(text.lastIndexOf('\n') + 1)
  // A semicolon at the end of a comment ends nothing.
  return lastLine.endsWith(';') && !lastLine.includes('--') ? text : `${text}\n;`
}
