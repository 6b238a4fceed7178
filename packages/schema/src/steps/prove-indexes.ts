import { isRillflowError } from '@rillflow/core'
import { compareObjects } from '../catalog/compare-objects.js'
import { readBeside } from '../catalog/expected-objects.js'
import type { IndexState } from '../database/read-indexes.js'
import type { SchemaState } from '../database/read-state.js'
import type { OpenSchema } from '../open-schema.js'
import { indexCondition, type Proofs } from './index-condition.js'

/** The proofs had so far and what stood in the way of others. */
export interface ProvenIndexes {
  readonly proofs: Proofs
  /** For people: the indexes that could not be compared, and why. */
  readonly warnings: readonly string[]
}

/** The declared indexes that are there and of which nothing tells yet whether they have their definition. */
export function unprovenIndexes(open: OpenSchema, state: SchemaState, proofs: Proofs): readonly IndexState[] {
  return open.wanted.modules
    .flatMap((module) => module.indexes)
    .filter((index) => indexCondition(index, state.indexes.get(index.name), proofs) === 'unproven')
    .flatMap((index) => state.indexes.get(index.name) ?? [])
}

/**
 * Compares the definitions of indexes that carry no mark of the present one with what the declarations yield; does
 * nothing, and needs no right, when all of them do.
 */
export async function proveIndexes(
  open: OpenSchema,
  state: SchemaState,
  known: Proofs = new Map(),
): Promise<ProvenIndexes> {
  const unproven = unprovenIndexes(open, state, known)
  if (unproven.length === 0) return { proofs: known, warnings: [] }
  try {
    const { differences } = compareObjects(await readBeside(open.connection, open.wanted, state))
    const differing = new Set(differences.map(({ kind, name }) => `${kind} ${name}`))
    return {
      proofs: withFound(known, unproven, (index) =>
        differing.has(`index ${index.table}.${index.name}`) ? 'different' : 'same',
      ),
      warnings: [],
    }
  } catch (error) {
    if (!isRillflowError(error) || error.retryable || error.code === 'ConnectionLost') throw error
    const names = unproven.map((index) => JSON.stringify(index.name)).join(', ')
    const warning = `Nobody knows whether these indexes have the definition that is declared: ${names}. ${error.message}`
    return { proofs: withFound(known, unproven, () => 'unknown'), warnings: [warning] }
  }
}

function withFound(
  known: Proofs,
  indexes: readonly IndexState[],
  found: (index: IndexState) => 'same' | 'different' | 'unknown',
): Proofs {
  return new Map([...known, ...indexes.map((index) => [index.oid, found(index)] as const)])
}
