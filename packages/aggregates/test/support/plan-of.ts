import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** How a server comes to plan a prepared statement, and how often it was executed before. */
export interface PlanMode {
  readonly mode: 'auto' | 'force_generic_plan' | 'force_custom_plan'
  readonly executions: number
}

/** The nodes of the plan of a prepared statement, the root first. */
export async function planOf(
  pool: Pool,
  statement: QueryConfigLike,
  { mode, executions }: PlanMode,
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = ${mode}; prepare planned as ${statement.text}`)
    const values = (statement.values ?? []).map((value) => client.escapeLiteral(`${value as string | number}`))
    const execute = `execute planned (${values.join(', ')})`
    for (let turn = 0; turn < executions; turn += 1) await client.query(`explain ${execute}`)
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(
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
