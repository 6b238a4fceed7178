import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import { act } from '../../stores/events/act.js'
import { emmett } from '../../stores/events/emmett.js'
import type { EventStore, OpenEventStore } from '../../stores/events/event-store.js'
import { orderEvents } from '../../stores/events/order-events.js'
import { plainPg } from '../../stores/events/plain-pg.js'
import { rillflow, rillflowBare } from '../../stores/events/rillflow.js'

const STREAMS = 40
const SUBJECT = 'rillflow, without metadata'
const CASES = [10, 100, 1_000].map((events) => ({ name: `${events} events`, events }))

type LoadCase = (typeof CASES)[number]

/** Whole streams, read one after the other by one caller. */
export const load = defineSuite({
  name: 'load',
  about: 'events',
  title: 'Load a stream',
  unit: 'streams/s',
  better: 'higher',
  subject: SUBJECT,
  cases: CASES,
  contenders: {
    [SUBJECT]: loading(rillflowBare),
    'rillflow, whole events': loading(rillflow),
    emmett: loading(emmett),
    act: loading(act),
    'pg, one statement': loading(plainPg),
  },
  targets: [
    { case: '10 events', against: 'emmett', atLeast: 1.7 },
    { case: '100 events', against: 'emmett', atLeast: 2.5 },
    { case: '1000 events', against: 'emmett', atLeast: 3 },
  ],
})

function loading(open: OpenEventStore): Contender<LoadCase> {
  return async ({ url }) => {
    const store = await open(url)
    for (const { events } of CASES) await seed(store, events)
    return {
      round: ({ events }, seconds) => drive({ callers: 1, seconds, call: () => loadOne(store, events) }),
      close: () => store.close(),
    }
  }
}

async function seed(store: EventStore, events: number): Promise<void> {
  const fill = async (number: number): Promise<void> => {
    // By a hundred, as a stream grows: never all in one append.
    for (let version = 0; version < events; version += 100) {
      await store.append(`order-${events}-${number}`, version, orderEvents(Math.min(100, events - version)))
    }
  }
  await Promise.all(Array.from({ length: STREAMS }, (_, number) => fill(number)))
}

let turn = 0

async function loadOne(store: EventStore, events: number): Promise<void> {
  turn += 1
  const found = await store.load(`order-${events}-${turn % STREAMS}`)
  if (found !== events) throw new Error(`A stream of ${events} events came back with ${found}.`)
}
