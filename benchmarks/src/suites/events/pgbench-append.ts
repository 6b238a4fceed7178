import type { Contender } from '../../harness/suite.js'
import { countRows } from '../../stores/pool.js'
import { findPgbench, pgbench } from '../../stores/events/pgbench.js'
import { recordAppend, type RecordedAppend, type SentStatement } from '../../stores/events/recorded-append.js'
import { markLoss } from '../mark-loss.js'
import { APPENDS_PER_STREAM, type AppendCase } from './append-work.js'

/** The statements of Rillflow's lone append, into Rillflow's tables, run by pgbench: the bound of one call for each. */
export const pgbenchAppend: Contender<AppendCase> = async ({ url }) => {
  await findPgbench()
  const recorded = await recordAppend(url)
  let rounds = 0
  return {
    round: async ({ callers }, seconds) => {
      const before = await countRows(url, 'rillflow.events')
      const run = { url, script: script(recorded, (rounds += 1)), clients: callers, seconds }
      const { perSecond, transactions } = await pgbench(run)
      return markLoss({ value: perSecond }, transactions, (await countRows(url, 'rillflow.events')) - before)
    },
    close: async () => undefined,
  }
}

/** A variable outlives its transaction, so each client counts its own appends. */
function script(recorded: RecordedAppend, round: number): string {
  return [
    String.raw`\set stream :count / ${APPENDS_PER_STREAM}`,
    String.raw`\set version :count % ${APPENDS_PER_STREAM}`,
    String.raw`\set count :count + 1`,
    String.raw`\if :version`,
    statement(recorded.next, recorded, round),
    String.raw`\else`,
    statement(recorded.first, recorded, round),
    String.raw`\endif`,
  ].join('\n')
}

function statement({ text, values }: SentStatement, { stream, version }: RecordedAppend, round: number): string {
  const expression = (value: unknown): string => {
    if (value === stream) return `('order-${round}-' || :client_id || '-' || :stream)`
    return value === version || value === String(version) ? ':version' : literal(value)
  }
  // The name in the comment has a colon, which would be taken for a variable.
  const bare = text.replaceAll(/\/\*.*?\*\//gs, '')
  return `${bare.replaceAll(/\$(\d+)/g, (_, place: string) => expression(values[Number(place) - 1]))};`
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  // A colon before a letter or a digit would be taken for a variable, in a string too; JSON bears a space there.
  const written = typeof value === 'string' ? value : JSON.stringify(value)
  return `'${written.replaceAll("'", "''").replaceAll(':', ': ')}'`
}
