import { drive } from '../../harness/drive.js'
import type { Contender } from '../../harness/suite.js'
import { fillStreams, type OpenAggregateStore } from './aggregate-store.js'

const STREAMS = 40

/** A contender whose one caller loads streams of `events` events, one after the other. */
export function loading(open: OpenAggregateStore, events: number): Contender<object> {
  return async ({ url, scaled }) => {
    const store = await open(url)
    const streams = Array.from({ length: scaled(STREAMS) }, (_, number) => `order-load-${number}`)
    await fillStreams(store, { url, streams, events })
    let turn = 0
    const call = async (): Promise<void> => {
      turn += 1
      const { orders } = await store.load(`order-load-${turn % streams.length}`)
      if (orders !== events) throw new Error(`An aggregate of ${events} events came back with ${orders}.`)
    }
    return { round: (_, seconds) => drive({ callers: 1, seconds, call }), close: () => store.close() }
  }
}
