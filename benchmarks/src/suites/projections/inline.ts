import { defineSuite, type Contender } from '../../harness/suite.js'
import type { OpenEventStore } from '../../stores/events/event-store.js'
import { rillflow } from '../../stores/events/rillflow.js'
import { appending, type AppendCase } from '../events/append-work.js'
import { checkDocuments, markWrong, type ProjectedTables } from './check-documents.js'
import { emmettInline, emmettInlineTables } from './emmett-projections.js'
import { rillflowInline, rillflowInlineTables } from './rillflow-projections.js'

const CASES = [
  { name: '1 caller', callers: 1, atLeast: 3 },
  { name: '32 callers', callers: 32, atLeast: 4 },
]

/** One event at a time, and with it the document of its stream. */
export const projectionsInline = defineSuite({
  name: 'projections-inline',
  about: 'projections',
  title: 'Append one event with an inline projection',
  unit: 'appends/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: appendingInline(rillflowInline, rillflowInlineTables),
    emmett: appendingInline(emmettInline, emmettInlineTables),
    'rillflow, no projection': appending(rillflow, 1),
  },
  targets: CASES.map(({ name, atLeast }) => ({ case: name, against: 'emmett', atLeast })),
})

function appendingInline(open: OpenEventStore, tables: ProjectedTables): Contender<AppendCase> {
  return async (ground) => {
    const running = await appending(open, 1)(ground)
    return {
      round: async (one, seconds) =>
        markWrong(await running.round(one, seconds), await checkDocuments(ground.url, tables)),
      close: () => running.close(),
    }
  }
}
