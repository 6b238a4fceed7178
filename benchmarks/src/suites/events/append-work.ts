import { drive } from '../../harness/drive.js'
import type { Contender, Round } from '../../harness/suite.js'
import type { EventStore, OpenEventStore } from '../../stores/events/event-store.js'
import { orderEvents } from '../../stores/events/order-events.js'
import { markLoss } from '../mark-loss.js'

/** How much is appended at once, and by how many. */
export interface AppendCase {
  readonly name: string
  readonly callers: number
}

/** How many appends a stream gets before the next one begins. */
export const APPENDS_PER_STREAM = 10

/** A contender whose callers append without pause, each to streams of its own, of ten appends. */
export function appending(open: OpenEventStore, eventsPerAppend: number): Contender<AppendCase> {
  return async ({ url }) => {
    const store = await open(url)
    let rounds = 0
    return {
      round: ({ callers }, seconds) => appendRound(store, { callers, seconds, eventsPerAppend, round: (rounds += 1) }),
      close: () => store.close(),
    }
  }
}

interface AppendRound {
  readonly callers: number
  readonly seconds: number
  readonly eventsPerAppend: number
  readonly round: number
}

async function appendRound(store: EventStore, plan: AppendRound): Promise<Round> {
  const { callers, seconds, eventsPerAppend, round } = plan
  const before = await store.count()
  const done = Array.from({ length: callers }, () => 0)
  const result = await drive({
    callers,
    seconds,
    call: async (caller) => {
      const number = done[caller] ?? 0
      done[caller] = number + 1
      const stream = `order-${round}-${caller}-${Math.floor(number / APPENDS_PER_STREAM)}`
      await store.append(stream, (number % APPENDS_PER_STREAM) * eventsPerAppend, orderEvents(eventsPerAppend))
    },
  })
  const acknowledged = done.reduce((sum, each) => sum + each, 0) * eventsPerAppend
  return markLoss(result, acknowledged, (await store.count()) - before)
}
