/** An event checked and validated; its JSON is written. */
export interface PreparedEvent {
  readonly type: string
  readonly schemaVersion: number
  readonly data: string
  readonly headers: string | null
  readonly id: string
  readonly causationId: string | null
  readonly correlationId: string | null
}

/** The most characters that a statement takes: the server reads the whole parameter before it writes the first row. */
export const maxSize = 64 * 1024 * 1024

/** What an event takes on the wire beside its data and headers. */
const overhead = 200

/** About how many characters an event takes on the wire. */
export function sizeOf({ data, headers }: Pick<PreparedEvent, 'data' | 'headers'>): number {
  return data.length + (headers?.length ?? 0) + overhead
}
