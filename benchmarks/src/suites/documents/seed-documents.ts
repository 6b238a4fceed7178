import type { DocumentStore } from '../../stores/documents/document-store.js'
import { orderDocument } from '../../stores/documents/order-document.js'
import { runOnce } from '../../stores/pool.js'

const BATCH = 1_000

/** What is seeded. */
export interface DocumentSeed {
  readonly url: string
  readonly count: number
  /** Over how many customers the documents are spread; 20,000 unless told. */
  readonly customers?: number | undefined
}

/** Puts the documents numbered from 0 on by the store's own bulk call, and gives the planner its figures. */
export async function seedDocuments(store: Pick<DocumentStore, 'putMany'>, seed: DocumentSeed): Promise<void> {
  const { url, count, customers } = seed
  for (let first = 0; first < count; first += BATCH) {
    const length = Math.min(BATCH, count - first)
    await store.putMany(Array.from({ length }, (_, index) => orderDocument(first + index, customers)))
  }
  await runOnce(url, 'vacuum analyze')
}
