import type { RecordedEvent } from '../history.js'

/** A reader that is known to be wrong, by what it trusts. */
export type WrongFeed = 'position' | 'transactionId' | 'snapshotXmax' | 'rowsFirst'

/** Opens a wrong reader; `query` runs one statement and gives its rows as objects. */
export function wrongFeed(
  query: (text: string, values: unknown[]) => Promise<readonly unknown[]>,
  schema: string,
  feed: WrongFeed,
): { next(size: number): Promise<readonly RecordedEvent[]> }
