/** A document and what is known about it. */
export interface StoredDocument<Document> {
  readonly id: string
  /** From 1; grows with each put, update, delete and restore. */
  readonly version: number
  readonly createdAt: Date
  /** When the version was made. */
  readonly updatedAt: Date
  /** Undefined unless the document is soft-deleted. */
  readonly deletedAt: Date | undefined
  readonly doc: Document
}

/** Reads a time as the statements select it. */
export function fromMicros(text: string): Date {
  return new Date(Math.floor(Number(text) / 1000))
}
