/** Events as they are read: iterate them in constant memory, or take them all at once. */
export interface EventReader<Event> extends AsyncIterable<Event> {
  /**
   * Reads everything at once; mind the memory of a long stream. One round trip for a stream; two for the feed, whose head
   * is read first, and three at a store's first look at it, which checks the sequence too.
   */
  toArray(): Promise<readonly Event[]>
}

/** A page of events, or of whatever else is read by pages. */
export interface Page<Event, Cursor = number> {
  readonly events: readonly Event[]
  /** How many rows it took, those that were skipped counted. */
  readonly rows: number
  /** The version, position or id of its last row; where the next page begins. */
  readonly last: Cursor | undefined
}

/** Reads at most `limit` rows after the last one of the page before. */
export type ReadPage<Event, Cursor = number> = (
  last: Cursor | undefined,
  limit: number | undefined,
) => Promise<Page<Event, Cursor>>

/** Reads by pages; the next one is fetched while this one is handled, so two of them are in memory at the most. */
export function pagedReader<Event, Cursor = number>(
  readPage: ReadPage<Event, Cursor>,
  options: { readonly pageSize: number; readonly limit: number | undefined },
): EventReader<Event> {
  const { pageSize, limit = Number.POSITIVE_INFINITY } = options
  return {
    toArray: async () => (await readPage(undefined, options.limit)).events,
    async *[Symbol.asyncIterator]() {
      let left = limit
      let coming: Promise<Page<Event, Cursor>> | undefined =
        left > 0 ? readPage(undefined, Math.min(pageSize, left)) : undefined
      while (coming !== undefined) {
        const size = Math.min(pageSize, left)
        const page: Page<Event, Cursor> = await coming
        left -= page.rows
        const isLast = page.rows < size || left <= 0
        coming = isLast ? undefined : readPage(page.last, Math.min(pageSize, left))
        // The consumer may stop before it asks for that page; its error is then nobody's.
        coming?.catch(() => undefined)
        try {
          yield* page.events
        } finally {
          // A consumer that stops must not leave a connection lent.
          await coming?.catch(() => undefined)
        }
      }
    },
  }
}
