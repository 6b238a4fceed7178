import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

/** How a server comes to plan a prepared statement. */
export interface Planning {
  readonly mode: 'force_custom_plan' | 'force_generic_plan' | 'auto'
  /** How often the statement was planned before. */
  readonly executions: number
}

/** The nodes of the plan that a prepared statement gets, the root first. Nothing is executed. */
export async function planOf(
  pool: Pool,
  { text, values = [] }: QueryConfigLike,
  { mode, executions }: Planning,
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = ${mode}; prepare planned as ${text}`)
    const bound = values.map((value) => client.escapeLiteral(String(value)))
    const execute = `execute planned (${bound.join(', ')})`
    for (let turn = 0; turn < executions; turn += 1) await client.query(`explain ${execute}`)
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
      `explain (format json) ${execute}`,
    )
    return rows.flatMap((row) => nodesOf(row['QUERY PLAN'][0].Plan))
  } finally {
    await client.query('deallocate planned; reset plan_cache_mode')
    client.release()
  }
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
