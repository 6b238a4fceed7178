import type { DocumentBody } from '../operations/document-body.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import type { PatchOperation } from '../patch/patch-operation.js'

interface Item {
  readonly collection: PreparedCollection
  readonly id: string
  /** What the caller did, as errors name it. */
  readonly operation: string
  readonly expected: number | undefined
}

/** A document to be put, among others. */
export interface PutItem extends Item {
  readonly kind: 'put'
  readonly body: DocumentBody
}

/** A document to be deleted, among others. */
export interface DeleteItem extends Item {
  readonly kind: 'delete'
}

/** A document to be patched, among others. */
export interface PatchItem extends Item {
  readonly kind: 'patch'
  readonly operations: readonly PatchOperation[]
}

/** One part of a statement that writes many documents. */
export type BatchItem = PutItem | DeleteItem | PatchItem

/** One document has one address, whatever is done to it. */
export function addressOf({ collection, id }: Item): string {
  return `${collection.name}\0${id}`
}

/** About how many bytes an item is on its way. */
export function sizeOf(item: BatchItem): number {
  return item.kind === 'put' ? item.body.json.length : 256
}

/** Statements become slower beyond that, and one value of jsonb has an end. */
export const maxItems = 1_000
export const maxSize = 8 * 1024 * 1024

/** Parts of bounded size, in order, with each document at most once. */
export function cutItems<Entry extends { readonly item: BatchItem }>(
  entries: readonly Entry[],
): readonly (readonly Entry[])[] {
  const parts: Entry[][] = []
  let addresses = new Set<string>()
  let size = 0
  for (const entry of entries) {
    const address = addressOf(entry.item)
    size += sizeOf(entry.item)
    const part = parts.at(-1)
    if (part === undefined || part.length >= maxItems || size > maxSize || addresses.has(address)) {
      parts.push([entry])
      addresses = new Set([address])
      size = sizeOf(entry.item)
    } else {
      part.push(entry)
      addresses.add(address)
    }
  }
  return parts
}
