import type { WantedIndex } from '../components/wanted-index.js'
import { hasMark, type IndexState } from '../database/read-indexes.js'

/** What a comparison of whole definitions found for an index, by the oid of that index; a definition never changes. */
export type Proofs = ReadonlyMap<string, 'same' | 'different' | 'unknown'>

/**
 * - `good`: it carries the mark of the definition that the code has;
 * - `unproven`: it carries none or another, which proves nothing: the text of a definition may change and mean the same;
 * - `same`, `different`, `unknown`: what the proof of an unproven one found; `unknown` where the role may not make one.
 */
export type IndexCondition = 'missing' | 'invalid' | 'good' | 'unproven' | 'same' | 'different' | 'unknown'

/** Where one index stands. */
export function indexCondition({ mark }: WantedIndex, index: IndexState | undefined, proofs: Proofs): IndexCondition {
  if (index === undefined) return 'missing'
  if (!index.valid) return 'invalid'
  if (hasMark(index, mark)) return 'good'
  return proofs.get(index.oid) ?? 'unproven'
}
