/** What can be wrong with a history. */
export type Problem =
  | 'lost'
  | 'unacknowledged'
  | 'moved'
  | 'version hole'
  | 'version twice'
  | 'stream version'
  | 'seen twice'
  | 'seen, not stored'
  | 'position order'
  | 'stream order'

/** One breach of an invariant. */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4'
  readonly problem: Problem
  /** Which event, document or stream. */
  readonly subject: string
}

/** How often each problem was found; empty when all is well. */
export function countProblems(violations: readonly Violation[]): Readonly<Partial<Record<string, number>>> {
  const counts: Partial<Record<string, number>> = {}
  for (const { invariant, problem } of violations) {
    const key = `${invariant} ${problem}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
