const shownCharacters = 200

/** Writes a name for a message, cut so that a hostile one cannot fill it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text)
}

/** Names a document in a message: `document "c-1" of "customers"`. */
export function describeDocument(collection: string, id: string): string {
  return `document ${quote(id)} of ${quote(collection)}`
}
