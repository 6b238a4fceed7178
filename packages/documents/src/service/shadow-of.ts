import { maxCollectionBytes } from '../collections/check-names.js'

/** One byte longer than the longest name of a collection, and the same for all of them. */
const prefix = 'rillflow shadow '.padEnd(maxCollectionBytes + 1, '~')

/** The name under which a collection is made anew beside itself: too long for a collection, and one for each. */
export function shadowOf(collection: string): string {
  return `${prefix}${collection}`
}
