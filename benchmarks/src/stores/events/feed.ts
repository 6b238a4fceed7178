/** Called with the number that an event carries, as soon as the reader has the event. */
export type OnEvent = (number: number) => void

/** Follows the feed from now on; resolves once it does, to what ends it. */
export type FollowFeed = (url: string, onEvent: OnEvent) => Promise<() => Promise<void>>

/** The number that {@link import('./order-events.js').orderData} was made with. */
export function numberOf(data: unknown): number {
  return Number(String((data as { readonly orderId?: unknown }).orderId).slice('o-'.length))
}

/** Wall-clock milliseconds with fractions, comparable between processes of one machine. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
