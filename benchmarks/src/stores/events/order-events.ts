/** An event as every contender stores it: about 200 bytes of JSON. */
export interface OrderEvent {
  readonly type: 'OrderPlaced'
  readonly data: OrderData
}

/** What such an event holds. */
export type OrderData = ReturnType<typeof orderData>

const STREET = 'Via Giuseppe Garibaldi 1861, interno 17'
let count = 0

/** New events, no two alike. */
export function orderEvents(length: number): OrderEvent[] {
  return Array.from({ length }, () => ({ type: 'OrderPlaced', data: orderData((count += 1)) }))
}

/** The data of one event. */
export function orderData(number: number) {
  return {
    orderId: `o-${number}`,
    customerId: `c-${number % 5_000}`,
    total: (number % 100_000) / 100,
    currency: 'EUR',
    lines: [{ sku: `sku-${number % 997}`, quantity: 1 + (number % 5) }],
    address: { street: STREET, city: 'Torino', zip: '10121' },
  }
}
