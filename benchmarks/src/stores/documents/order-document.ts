/** A document as every contender stores it: about 220 bytes of JSON. */
export type OrderDocument = ReturnType<typeof orderDocument>

/** The id of a document, by its number. */
export function documentId(number: number): string {
  return `d-${number}`
}

/** The customer of a document, by its number; each of `customers` has as many documents as the next. */
export function customerId(number: number, customers: number): string {
  return `c-${number % customers}`
}

/** One document; the same number gives the same one. */
export function orderDocument(number: number, customers = 20_000) {
  return {
    id: documentId(number),
    customerId: customerId(number, customers),
    state: number % 10 === 0 ? 'open' : 'paid',
    total: (number % 1_000_000) / 100,
    currency: 'EUR',
    lines: [{ sku: `sku-${number % 9_973}`, quantity: 1 + (number % 5) }],
    address: { street: 'Via Giuseppe Garibaldi 1861, interno 17', city: 'Torino', zip: '10121' },
  }
}
