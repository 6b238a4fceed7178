import { drive } from '../harness/drive.js'
import { defineSuite, type Contender } from '../harness/suite.js'
import { act } from '../stores/act.js'
import { emmett } from '../stores/emmett.js'
import type { EventStore, OpenEventStore } from '../stores/event-store.js'
import { orderEvents } from '../stores/order-events.js'
import { plainPg } from '../stores/plain-pg.js'
import { postgresJs } from '../stores/postgres-js.js'
import { rillflow } from '../stores/rillflow.js'

const STREAMS = 50
const CASES = [10, 100, 1_000].map((events) => ({ name: `${events} events`, events }))

type LoadCase = (typeof CASES)[number]

/** Whole streams, read one after the other by one caller. */
export const load = defineSuite({
  name: 'load',
  title: 'Load a stream',
  unit: 'streams/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: loading(rillflow),
    emmett: loading(emmett),
    act: loading(act),
    'pg, one statement': loading(plainPg),
    'postgres.js, one statement': loading(postgresJs),
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
  for (let number = 0; number < STREAMS; number += 1) {
    // By a hundred, as a stream grows: never all in one append.
    for (let version = 0; version < events; version += 100) {
      await store.append(`order-${events}-${number}`, version, orderEvents(Math.min(100, events - version)))
    }
  }
}

let turn = 0

async function loadOne(store: EventStore, events: number): Promise<void> {
  turn += 1
  const found = await store.load(`order-${events}-${turn % STREAMS}`)
  if (found !== events) throw new Error(`A stream of ${events} events came back with ${found}.`)
}
