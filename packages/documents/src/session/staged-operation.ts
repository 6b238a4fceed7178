import type { DocumentBody } from '../operations/document-body.js'

/**
 * The version that the next write of a document must meet, where the caller said one; shared by the operations that
 * replace one another before they are saved, so that a later one keeps what an earlier one was told.
 */
export interface Expectation {
  version: number | undefined
}

/** A document to be put. */
export interface StagedPut {
  readonly kind: 'put'
  readonly id: string
  readonly expectation: Expectation
  /** A promise while an asynchronous schema is at work. */
  readonly body: DocumentBody | Promise<DocumentBody>
}

/** A document to be deleted. */
export interface StagedDelete {
  readonly kind: 'delete'
  readonly id: string
  readonly expectation: Expectation
}

/** What `saveChanges` will do to one document. */
export type StagedOperation = StagedPut | StagedDelete
