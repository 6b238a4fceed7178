import type { DeclaredIndex, Statement } from '@rillflow/core'
import type { IndexDefinition } from '../collections/index-definition.js'

/** How PostgreSQL would run a query. */
export interface Explanation {
  /** The declared indexes that it uses. */
  readonly indexes: readonly IndexDefinition[]
  /** True when it reads every document of every collection. */
  readonly readsAll: boolean
  /** What PostgreSQL expects it to cost, in units of its own. */
  readonly cost: number
  /** The whole plan, as `explain (format json)` gives it; it may hold values of the query. */
  readonly plan: unknown
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Total Cost': number
  readonly Plans?: readonly PlanNode[]
}

/** Asks for the plan of a statement instead of running it. */
export function explainStatement({ text, values }: Statement): Statement {
  return { operation: 'explain', text: `explain (format json) ${text}`, values }
}

/** Reads the plan. */
export function readExplanation(
  json: string,
  indexes: readonly { readonly made: DeclaredIndex; readonly index: IndexDefinition }[],
): Explanation {
  const root = (JSON.parse(json) as readonly [{ readonly Plan: PlanNode }])[0].Plan
  const nodes = flatten(root)
  const used = new Set(nodes.map((node) => node['Index Name']))
  return {
    indexes: indexes.filter(({ made }) => used.has(made.name)).map(({ index }) => index),
    readsAll: nodes.some((node) => node['Node Type'] === 'Seq Scan'),
    cost: root['Total Cost'],
    plan: root,
  }
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)]
}
