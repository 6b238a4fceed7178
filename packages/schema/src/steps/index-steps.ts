import { ident, literal } from '@rillflow/core'
import { withMark, type WantedIndex } from '../components/wanted-index.js'
import type { SchemaState } from '../database/read-state.js'
import { renderSql } from '../render-sql.js'
import { indexCondition, type Proofs } from './index-condition.js'
import type { CreateIndexStep, DropIndexStep, IndexStep, MarkIndexStep, SwapIndexStep } from './plan-step.js'

/** What the steps of one index are made from. */
export interface IndexTarget {
  readonly module: string
  readonly wanted: WantedIndex
  readonly state: SchemaState
  readonly proofs: Proofs
}

/**
 * What is left to do for one declared index.
 *
 * One that differs is replaced without a moment in which neither is there: the new one is built under a spare name, the
 * two change names in one transaction, and the old one goes last. So a build that the rows refuse changes nothing, and
 * whoever dies on the way leaves what the next reading tells apart.
 */
export function indexSteps(target: IndexTarget): readonly IndexStep[] {
  const { wanted, state, proofs } = target
  const own = indexCondition(wanted, state.indexes.get(wanted.name), proofs)
  const spare = indexCondition(wanted, state.indexes.get(wanted.spare), proofs)
  const dropSpare =
    spare === 'missing' ? [] : [drop(target, wanted.spare, spare === 'invalid' ? 'invalid' : 'replaced')]
  switch (own) {
    case 'missing':
      return [create(target, wanted.name), ...dropSpare]
    case 'invalid':
      return [drop(target, wanted.name, 'invalid'), create(target, wanted.name), ...dropSpare]
    case 'same':
      return [mark(target), ...dropSpare]
    case 'different':
      return [
        ...(spare === 'good' ? [] : [...dropSpare, create(target, wanted.spare)]),
        swap(target),
        drop(target, wanted.spare, 'replaced'),
      ]
    case 'good':
    case 'unknown':
      return dropSpare
    case 'unproven':
      return []
  }
}

/** No `if not exists`: that would pass over a table that has the index's name, and call the index made. */
function create({ module, wanted, state }: IndexTarget, index: string): CreateIndexStep {
  const { name, table, unique, definition, mark: comment } = wanted
  const concurrently = state.liveTables.has(table)
  const kind = `${unique ? 'unique ' : ''}index ${concurrently ? 'concurrently ' : ''}`
  return {
    kind: 'createIndex',
    module,
    name,
    table,
    index,
    concurrently,
    sql: `create ${kind}${ident(index)} ${renderSql(definition, state.schema)};`,
    mark: commentOn(state.schema, index, comment),
  }
}

function drop({ module, wanted, state }: IndexTarget, index: string, reason: DropIndexStep['reason']): DropIndexStep {
  const { name, table } = wanted
  const sql = `drop index concurrently ${qualified(state.schema, index)};`
  return { kind: 'dropIndex', module, name, table, index, reason, concurrently: true, sql }
}

function swap({ module, wanted, state: { schema } }: IndexTarget): SwapIndexStep {
  const { name, table, spare } = wanted
  const between = `${spare}_old`
  const sql = [
    `alter index ${qualified(schema, name)} rename to ${ident(between)};`,
    `alter index ${qualified(schema, spare)} rename to ${ident(name)};`,
    `alter index ${qualified(schema, between)} rename to ${ident(spare)};`,
  ].join('\n')
  return { kind: 'swapIndex', module, name, table, sql }
}

function mark({ module, wanted, state }: IndexTarget): MarkIndexStep {
  const { name, table } = wanted
  const comment = withMark(state.indexes.get(name)?.comment, wanted.mark)
  return { kind: 'markIndex', module, name, table, sql: commentOn(state.schema, name, comment) }
}

function commentOn(schema: string, index: string, comment: string): string {
  return `comment on index ${qualified(schema, index)} is ${literal(comment)};`
}

function qualified(schema: string, index: string): string {
  return `${ident(schema)}.${ident(index)}`
}
