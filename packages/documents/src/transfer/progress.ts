/** How far an import has come. */
export interface ImportProgress {
  /** How many documents were sent. Nothing of them is stored before the import has ended. */
  readonly documents: number
  readonly bytes: number
}

/** How documents are imported. */
export interface ImportOptions {
  /** Called after each part that was sent. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Counts what an import has sent, and tells who wants to know. */
export class Progress {
  readonly #options: ImportOptions
  documents = 0
  #bytes = 0

  constructor(options: ImportOptions) {
    this.#options = options
  }

  sent(documents: number, bytes: number): void {
    this.documents += documents
    this.#bytes += bytes
    this.#options.onProgress?.({ documents: this.documents, bytes: this.#bytes })
  }
}
