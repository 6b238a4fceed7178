import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PlanNode[]
}

/** The nodes of the plan that a prepared statement ends in, which is made for whatever values; the root first. */
export async function planOf(pool: Pool, { text, values = [] }: QueryConfigLike): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = force_generic_plan; prepare planned as ${text}`)
    const literals = values.map((value) =>
      value === null ? 'null' : client.escapeLiteral(`${value as string | number}`),
    )
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(
      `explain (format json) execute planned (${literals.join(', ')})`,
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
