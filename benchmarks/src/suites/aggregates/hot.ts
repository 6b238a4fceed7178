import { percentiles } from '../../harness/statistics.js'
import { defineSuite, type Contender, type Round } from '../../harness/suite.js'
import { markLoss } from '../mark-loss.js'
import type { AggregateStore, OpenAggregateStore } from './aggregate-store.js'
import { emmettAggregates } from './emmett-aggregates.js'
import { rillflowAggregates } from './rillflow-aggregates.js'

const CALLERS = 16
const COMMANDS = 1_000
const EVENTS = 20

/** Commands that all want the same stream; what counts are those that were not refused. */
export const aggregatesHot = defineSuite({
  name: 'aggregates-hot',
  about: 'aggregates',
  title: 'Execute on one hot stream',
  unit: 'commands/s',
  better: 'higher',
  subject: 'rillflow',
  cases: [{ name: '1,000 commands, 16 callers' }],
  contenders: {
    rillflow: contending(rillflowAggregates),
    emmett: contending(emmettAggregates),
    'emmett, retry on conflict': contending((url) => emmettAggregates(url, { retry: { onVersionConflict: true } })),
  },
  targets: [],
})

function contending(open: OpenAggregateStore): Contender<object> {
  return async ({ url }) => {
    const store = await open(url)
    let rounds = 0
    return {
      round: async () => {
        const stream = `order-hot-${(rounds += 1)}`
        await store.fill(stream, EVENTS)
        return hotRound(store, stream)
      },
      close: () => store.close(),
    }
  }
}

async function hotRound(store: AggregateStore, stream: string): Promise<Round> {
  const latencies: number[] = []
  let refused = 0
  const before = await store.count()
  let begun = 0
  const start = performance.now()
  const run = async (): Promise<void> => {
    while (begun < COMMANDS) {
      begun += 1
      const since = performance.now()
      try {
        await store.execute(stream)
        latencies.push(performance.now() - since)
      } catch (error) {
        if (!store.isConflict(error)) throw error
        refused += 1
      }
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, run))
  const elapsed = (performance.now() - start) / 1_000
  const round = { value: latencies.length / elapsed, latency: percentiles(latencies), note: refusals(refused) }
  return markLoss(round, latencies.length, (await store.count()) - before)
}

function refusals(refused: number): string | undefined {
  return refused === 0 ? undefined : `${refused} of ${COMMANDS} refused as conflicts`
}
