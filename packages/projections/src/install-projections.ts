import { InvalidConfigError, type InstalledModule, type ModuleHost, type Siblings } from '@rillflow/core'
import { eventsModule, type EventFamilies, type EventReads } from '@rillflow/events'
import { Runs } from '@rillflow/subscriptions'
import { inlineHook } from './apply/inline-hook.js'
import { projectionRunner } from './apply/projection-runner.js'
import { collectionOf, type AnyProjection } from './definition/any-projection.js'
import type { Projection } from './definition/projection.js'
import { foldLive } from './live/fold-live.js'
import type { ProjectionReads, ProjectionsShape } from './projection-store.js'
import { shadowOf } from './rebuild/shadow.js'
import { documentsModule, type DocumentsLike } from './targets/documents-like.js'
import { projectionOperations } from './workers/operate-projections.js'
import type { Workable } from './workers/projection-workers.js'

/** How the projections of a store are installed. */
export interface InstallOptions {
  readonly freeze: boolean
  readonly writesDocuments: boolean
}

/** Makes what one store shares, and the API of each of its scopes. */
export function installProjections(
  { logger }: ModuleHost,
  list: readonly AnyProjection[],
  { freeze, writesDocuments }: InstallOptions,
): InstalledModule<ProjectionsShape> {
  const runs = new Runs()
  let workables: ReadonlyMap<string, Workable> | undefined

  /** Once for a store, whatever the number of its tenants, and before any of them can append. */
  function workablesOf(siblings: Siblings<'store'>): ReadonlyMap<string, Workable> {
    if (workables !== undefined) return workables
    const documents = writesDocuments ? siblings.find(documentsModule).service : undefined
    checkCollections(list, documents)
    const stored = list.filter(({ mode }) => mode !== 'live')
    workables = new Map(
      stored.map((one) => [
        one.name,
        { runner: projectionRunner(one, { documents, freeze }), shadow: shadowOf(one, documents) },
      ]),
    )
    const runners = [...workables.values()].map(({ runner }) => runner)
    const inline = runners.filter(({ projection }) => projection.mode === 'inline')
    const { service } = siblings.find(eventsModule)
    for (const runner of inline) service.onAppend(inlineHook(runner))
    return workables
  }

  return {
    store(scope, siblings) {
      const { api: events, service } = siblings.find(eventsModule)
      const host = { scope, logger, events, service }
      return { ...readApi(events, freeze), ...projectionOperations(host, workablesOf(siblings), runs) }
    },
    transaction: (_, siblings) => readApi(siblings.find(eventsModule).api, freeze),
    close: () => runs.close(),
  }
}

function readApi(events: Pick<EventReads<EventFamilies>, 'readStream'>, freeze: boolean): ProjectionReads {
  return {
    // The document is what the projection's schema made; nothing here knows more of its type.
    live: (projection: Projection, key: string) => foldLive(events, projection, key, freeze) as Promise<never>,
  }
}

/** @throws InvalidConfig for a collection that the store does not have. */
function checkCollections(list: readonly AnyProjection[], documents: DocumentsLike | undefined): void {
  for (const projection of list) {
    const collection = collectionOf(projection)
    if (collection === undefined || documents?.has(collection) === true) continue
    throw new InvalidConfigError(
      `The projection ${projection.name} writes to the collection ${JSON.stringify(collection)}, which this store does not ` +
        'have. Add it to documents({ … }).',
    )
  }
}
