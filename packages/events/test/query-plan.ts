import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** A node of what `explain (format json)` tells. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** How a server plans a prepared statement: for its values, for any, or as a connection settles after five of them. */
export const planModes = [
  { mode: 'force_custom_plan', executions: 0 },
  { mode: 'force_generic_plan', executions: 0 },
  { mode: 'auto', executions: 5 },
] as const

/** All nodes of the plan that a prepared statement has. */
export async function planOf(
  pool: Pool,
  statement: QueryConfigLike,
  { mode, executions }: { readonly mode: string; readonly executions: number },
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = ${mode}`)
    await client.query(`prepare planned as ${statement.text}`)
    const values = (statement.values ?? []).map((value) =>
      value === null ? 'null' : client.escapeLiteral(`${value as string | number}`),
    )
    const execute = `execute planned (${values.join(', ')})`
    for (let turn = 0; turn < executions; turn += 1) await client.query(`explain ${execute}`)
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
      `explain (format json) ${execute}`,
    )
    return nodesOf((rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan)
  } finally {
    await client.query('deallocate planned; reset plan_cache_mode')
    client.release()
  }
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
