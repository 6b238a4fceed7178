/** So many events with the data `{ n: 1 }`, `{ n: 2 }` …, over the streams by turns. */
export function numbered(
  count: number,
  streams: readonly string[],
): { streamId: string; type: 'Added'; data: { n: number } }[] {
  return Array.from({ length: count }, (_, index) => ({
    streamId: streams[index % streams.length] ?? 's',
    type: 'Added',
    data: { n: index + 1 },
  }))
}
