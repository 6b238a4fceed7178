import type { AnyDocument, DocumentBody } from '../operations/document-body.js'
import type { PatchOperation } from '../patch/patch-operation.js'

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
  /** True when it was found changed and not handed over: a later change to the object counts. */
  readonly isFound?: boolean | undefined
}

/** A document to be deleted. */
export interface StagedDelete {
  readonly kind: 'delete'
  readonly id: string
  readonly expectation: Expectation
}

/** A document to be patched where it is. */
export interface StagedPatch {
  readonly kind: 'patch'
  readonly id: string
  readonly expectation: Expectation
  readonly operations: readonly PatchOperation[]
  /** What `load` shows of it, made when it is first asked for. */
  view?: { readonly base: AnyDocument; readonly doc: AnyDocument }
}

/** What `saveChanges` will do to one document. */
export type StagedOperation = StagedPut | StagedDelete | StagedPatch
