import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import { markLoss } from '../mark-loss.js'
import { fillStreams, type OpenAggregateStore } from './aggregate-store.js'
import { emmettAggregates } from './emmett-aggregates.js'
import { plainAggregates } from './plain-aggregates.js'
import { rillflowAggregates } from './rillflow-aggregates.js'

// So many that each grows by a few events in all rounds together, whoever is fast.
const STREAMS = 20_000
const EVENTS_PER_STREAM = 20
const CASES = [
  { name: '1 caller', callers: 1, atLeast: 1.5 },
  { name: '32 callers', callers: 32, atLeast: 3 },
]

type ExecuteCase = (typeof CASES)[number]

/** Load, decide, append: one event, each time on another stream. */
export const aggregatesExecute = defineSuite({
  name: 'aggregates-execute',
  about: 'aggregates',
  title: 'Execute on an aggregate of 20 events',
  unit: 'commands/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: executing(rillflowAggregates),
    emmett: executing(emmettAggregates),
    'pg, two statements': executing(plainAggregates),
  },
  targets: CASES.map(({ name, atLeast }) => ({ case: name, against: 'emmett', atLeast })),
})

function executing(open: OpenAggregateStore): Contender<ExecuteCase> {
  return async ({ url, scaled }) => {
    const store = await open(url)
    const streams = Array.from({ length: Math.max(100, scaled(STREAMS)) }, (_, number) => `order-execute-${number}`)
    await fillStreams(store, { url, streams, events: EVENTS_PER_STREAM })
    let turn = 0
    const call = async (): Promise<void> => {
      turn += 1
      await store.execute(`order-execute-${turn % streams.length}`)
    }
    return {
      round: async ({ callers }, seconds) => {
        const [before, turnsBefore] = [await store.count(), turn]
        const round = await drive({ callers, seconds, call })
        return markLoss(round, turn - turnsBefore, (await store.count()) - before)
      },
      close: () => store.close(),
    }
  }
}
