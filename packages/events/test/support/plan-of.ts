import type { QueryConfigLike } from '@rillflow/core'
import type { Pool } from 'pg'
import type { CountingPool } from './counting-pool.js'

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** How a server comes to plan a prepared statement. */
export interface PlanMode {
  readonly mode: string
  /** How often the statement was executed before. */
  readonly executions: number
}

/** For the values of this one execution. */
export const customPlan: PlanMode = { mode: 'force_custom_plan', executions: 0 }

/** For whatever values; and as a connection settles, after five executions that are planned for their values. */
export const settledPlans: readonly PlanMode[] = [
  { mode: 'force_generic_plan', executions: 0 },
  { mode: 'auto', executions: 5 },
]

/** The statement that brings the rows of a read: the last one that it sends. */
export async function statementOf(pool: CountingPool, read: () => Promise<unknown>): Promise<QueryConfigLike> {
  pool.take()
  await read()
  return pool.take().at(-1) as QueryConfigLike
}

/** The nodes of the plan that a prepared statement has, the root first. */
export async function planOf(
  pool: Pool,
  statement: QueryConfigLike,
  { mode, executions }: PlanMode,
): Promise<readonly PlanNode[]> {
  const client = await pool.connect()
  try {
    await client.query(`set plan_cache_mode = ${mode}; prepare planned as ${statement.text}`)
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
