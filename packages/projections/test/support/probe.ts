import {
  createStore,
  moduleContract,
  singleTenant,
  type Module,
  type PoolLike,
  type TransactionScope,
} from '@rillflow/core'
import { documents } from '@rillflow/documents'
import type { StoredEvent } from '@rillflow/events'
import type { Projection } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { projectionRunner, type ProjectionRunner } from '../../src/apply/projection-runner.js'
import { insideOf, type AnyProjection } from '../../src/definition/any-projection.js'
import { documentsModule } from '../../src/targets/documents-like.js'
import { Tallies } from './tally.js'

interface ProbeShape {
  readonly store: undefined
  readonly transaction: { readonly scope: TransactionScope; readonly runner: ProjectionRunner }
  readonly session: undefined
  readonly saved: undefined
}

/** A module that shows what another one has inside: a scope, and a runner with the documents of the store. */
function probe(projection: Projection): Module<ProbeShape> {
  const { migrations } = projection
  return {
    name: 'probe',
    contract: moduleContract,
    requires: [documentsModule],
    components: migrations.length === 0 ? [] : [{ module: 'probe', migrations }],
    install: () => ({
      store: () => undefined,
      transaction: (scope, siblings) => {
        const { service } = siblings.find(documentsModule)
        const parts = { documents: service, freeze: true }
        return { scope, runner: projectionRunner(insideOf(projection) as AnyProjection, parts) }
      },
    }),
  }
}

let made = 0

/** Applies batches of events to a projection in a schema of its own, as a worker or a rebuild does. */
export async function newApplier(pool: PoolLike, projection: Projection) {
  made += 1
  const schema = `applied_${made}`
  const store = createStore({
    connection: { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { probe: probe(projection), docs: documents({ tallies: Tallies }) },
  })
  await sync(store)
  return {
    schema,
    apply: (events: readonly StoredEvent[], shadow = false): Promise<void> =>
      store.transaction(({ probe: { runner, scope } }) => runner.applyBatch(scope, events, { shadow })),
  }
}

/** Events as the feed would give them. */
export function storedEvents(list: readonly { readonly type: string; readonly data: object }[], streamId = 's') {
  return list.map((event, place): StoredEvent => ({
    ...event,
    streamId,
    id: `018f0000-0000-7000-8000-${String(place).padStart(12, '0')}`,
    position: place + 1,
    version: place + 1,
    category: 'tally',
    schemaVersion: 1,
    headers: {},
    causationId: undefined,
    correlationId: undefined,
    createdAt: new Date(0),
  }))
}
