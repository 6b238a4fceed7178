import { setTimeout as pause } from 'node:timers/promises'
import { startReader } from '../../harness/reader.js'
import { percentiles } from '../../harness/statistics.js'
import { defineSuite, type Contender, type Round } from '../../harness/suite.js'
import type { EventStore } from '../../stores/events/event-store.js'
import { now, numberOf } from '../../stores/events/feed.js'
import { feeds, type Feed } from '../../stores/events/feeds.js'
import { orderEvents } from '../../stores/events/order-events.js'

const PROBE_MS = 50
const PROBES = 600

const CASES = [
  // Of seventy events the slowest is as often below the true 99th percentile as above it, which is what a median needs.
  { name: '10 appends/s', perSecond: 10, forSeconds: 7 },
  { name: '500 appends/s', perSecond: 500, forSeconds: 2 },
]

type WakeUpCase = (typeof CASES)[number]

/** From the call of an append to the moment when a reader in another process has the event. */
export const wakeUp = defineSuite({
  name: 'wake-up',
  about: 'events',
  title: 'Append to seen, by a reader in another process',
  unit: 'ms (p50)',
  better: 'lower',
  subject: 'rillflow',
  cases: CASES,
  warmUp: false,
  contenders: Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, waking(name, feed)])),
  targets: [
    { case: '10 appends/s', of: 'p50', atMost: 5 },
    { case: '10 appends/s', of: 'p99', atMost: 25 },
    { case: '500 appends/s', of: 'p99', atMost: 50 },
  ],
})

function waking(name: string, feed: Feed): Contender<WakeUpCase> {
  return async ({ url, scaled }) => {
    const store = await feed.open(url)
    const append = makeAppend(store)
    return {
      round: async ({ perSecond, forSeconds }): Promise<Round> => {
        using reader = startReader(name, url)
        await probe(append, reader.ready)
        const sent = await pace(append, perSecond, Math.max(1, scaled(forSeconds)))
        return compare(sent, await reader.report(sent.map(({ number }) => number)))
      },
      close: () => store.close(),
    }
  }
}

interface Sent {
  readonly number: number
  readonly at: number
}

/** Appends one event to a stream of its own, and tells its number and when the call was made. */
type Append = () => { readonly sent: Sent; readonly done: Promise<unknown> }

function makeAppend(store: EventStore): Append {
  return () => {
    const events = orderEvents(1)
    const number = numberOf(events[0]?.data)
    const sent = { number, at: now() }
    return { sent, done: store.append(`order-${number}`, 0, events) }
  }
}

/** Appends until the reader has seen something: from then on nothing is missed for want of a start. */
async function probe(append: Append, ready: Promise<void>): Promise<void> {
  const waiting = ready.then(() => true)
  for (let number = 0; number < PROBES; number += 1) {
    await append().done
    if (await Promise.race([waiting, pause(PROBE_MS, false)])) return
  }
  throw new Error(`the reader saw none of ${PROBES} events`)
}

/** Appends at a steady pace, one call never waiting for the one before. */
async function pace(append: Append, perSecond: number, seconds: number): Promise<readonly Sent[]> {
  const calls: ReturnType<Append>[] = []
  const total = perSecond * seconds
  const start = performance.now()
  while (calls.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - start) / 1_000) * perSecond))
    while (calls.length < due) calls.push(append())
    await pause(1)
  }
  await Promise.all(calls.map(({ done }) => done))
  return calls.map(({ sent }) => sent)
}

function compare(sent: readonly Sent[], seen: readonly (readonly [number: number, at: number])[]): Round {
  const arrived = new Map(seen)
  const latencies = sent.flatMap(({ number, at }) => {
    const then = arrived.get(number)
    return then === undefined ? [] : [then - at]
  })
  const latency = percentiles(latencies)
  if (!latency) throw new Error(`none of ${sent.length} events came`)
  const lost = sent.length - latencies.length
  const doubled = seen.length - arrived.size
  const faults = [lost > 0 && `${lost} of ${sent.length} never came`, doubled > 0 && `${doubled} came twice`]
  return { value: latency.p50, latency, note: faults.filter(Boolean).join(', ') || undefined }
}
