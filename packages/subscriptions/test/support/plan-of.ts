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

/** The nodes of the plan of a statement, the root first: the plan for all values, or the one for these. */
export async function planOf(
  pool: Pool,
  statement: QueryConfigLike,
  mode: 'force_generic_plan' | 'force_custom_plan',
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    // Nothing that is explained is done, and what is set ends with the transaction.
    await client.query(`begin; set local plan_cache_mode = ${mode}; prepare planned as ${statement.text}`)
    const literals = (statement.values ?? []).map((value) => {
      return value === null ? 'null' : client.escapeLiteral(`${value as string | number | boolean}`)
    })
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(
      `explain (format json) execute planned${literals.length === 0 ? '' : ` (${literals.join(', ')})`}`,
    )
    return rows.flatMap((row) => nodesOf(row['QUERY PLAN'][0].Plan))
  } finally {
    await client.query('rollback; deallocate all')
    client.release()
  }
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
