import type { Contender } from '../../harness/suite.js'
import { feedShape } from '../../stores/events/order-feed.js'
import { checkDocuments, markWrong } from './check-documents.js'
import type { SummaryBy, SummaryCase } from './order-summary.js'
import type { OpenProjectionStore, ProjectionStore } from './projection-store.js'

/** One round's work, and what must be there before it. */
interface Work {
  readonly prepare: (store: ProjectionStore, by: SummaryBy) => Promise<void>
  readonly project: (store: ProjectionStore, by: SummaryBy, signal: AbortSignal) => Promise<void>
}

/** A contender that projects the feed from nothing. */
export function catchingUp(open: OpenProjectionStore): Contender<SummaryCase> {
  return projecting(open, {
    prepare: (store, by) => store.forget(by),
    project: (store, by, signal) => store.catchUp(by, signal),
  })
}

/** A contender that rebuilds over what is there, which is wrong. */
export function rebuilding(open: OpenProjectionStore): Contender<SummaryCase> {
  return projecting(open, {
    prepare: (store, by) => store.spoil(by),
    project: (store, by, signal) => store.rebuild(by, signal),
  })
}

/** A round is the whole feed, or as much of it as the time allows: the slowest would take minutes. */
function projecting(open: OpenProjectionStore, { prepare, project }: Work): Contender<SummaryCase> {
  return async ({ url, scaled }) => {
    const store = await open(url, feedShape(scaled))
    return {
      round: async ({ by }, seconds) => {
        await prepare(store, by)
        const start = performance.now()
        const signal = AbortSignal.timeout(Math.ceil(seconds * 1_000))
        await project(store, by, signal)
        const elapsed = (performance.now() - start) / 1_000
        const isCut = signal.aborted
        const projected = await checkDocuments(url, store.tables(by))
        return markWrong({ value: projected.events / elapsed }, projected, isCut)
      },
      close: () => store.close(),
    }
  }
}
