import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly 'Sort Key'?: readonly string[]
  readonly Plans?: readonly PlanNode[]
}

/** The nodes of the plan that a prepared statement has after so many executions, the root first. */
export async function planOf(
  pool: Pool,
  statement: QueryConfigLike,
  { mode, executions }: { readonly mode: string; readonly executions: number },
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = ${mode}; prepare planned as ${statement.text}`)
    const values = (statement.values ?? []).map((value) =>
      value === null ? 'null' : client.escapeLiteral(String(value)),
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
