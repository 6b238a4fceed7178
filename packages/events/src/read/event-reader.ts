/** Events as they are read: iterate them in constant memory, or take them all at once. */
export interface EventReader<Event> extends AsyncIterable<Event> {
  /** Reads everything in one round trip; mind the memory of a long stream. */
  toArray(): Promise<readonly Event[]>
}

/** Reads one page: at most `limit` events after the last one of the page before. */
export type ReadPage<Event> = (last: Event | undefined, limit: number | undefined) => Promise<readonly Event[]>

/** Reads by pages, each beginning where the last one ended. */
export function pagedReader<Event>(
  readPage: ReadPage<Event>,
  options: { readonly pageSize: number; readonly limit: number | undefined },
): EventReader<Event> {
  return {
    toArray: () => readPage(undefined, options.limit),
    async *[Symbol.asyncIterator]() {
      let left = options.limit ?? Number.POSITIVE_INFINITY
      let last: Event | undefined
      while (left > 0) {
        const size = Math.min(options.pageSize, left)
        const page = await readPage(last, size)
        yield* page
        if (page.length < size) return
        last = page.at(-1)
        left -= page.length
      }
    },
  }
}
