/**
 * What a process does of its own at a place: dies, stands still as a whole, is too busy to do anything else, waits in that
 * place alone, or is told to end. Whoever stands or waits goes on at its parent's word.
 */
export type Deed = 'die' | 'freeze' | 'block' | 'wait' | 'end'

/** One place, the time that counts, and what is done there. */
export interface Point {
  readonly place: string
  /** 1 for the first time. */
  readonly nth: number
  readonly deed: Deed
}

/** What a process tells its parent. */
export type Word =
  | { readonly kind: 'ready' }
  | { readonly kind: 'at'; readonly place: string }
  /** A line of its log. */
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'done'; readonly report: unknown }
  | { readonly kind: 'failed'; readonly error: string }

/** Tells the parent, and resolves when that is on its way. */
export async function tell(word: Word): Promise<void> {
  await new Promise<void>((resolve) => {
    process.send?.(word, undefined, undefined, () => resolve())
  })
}
