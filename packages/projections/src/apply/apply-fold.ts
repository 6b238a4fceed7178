import { isRillflowError, type TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import type { FoldProjection } from '../definition/any-projection.js'
import { ProjectionFailedError } from '../errors.js'
import { deepFreeze } from '../fold/deep-freeze.js'
import { foldEvents } from '../fold/fold-events.js'
import { keysOf } from '../fold/keys-of.js'
import type { FoldTarget, OpenTarget, WriteTarget } from '../targets/fold-target.js'
import { allSent } from './all-sent.js'
import { lockKeys } from './lock-keys.js'

/** How a fold is applied. */
export interface FoldHow {
  readonly projection: FoldProjection
  readonly target: FoldTarget
  readonly freeze: boolean
}

/** Documents that were loaded and held before the events were known. */
export interface LoadedAhead {
  readonly open: OpenTarget
  readonly docs: ReadonlyMap<string, unknown>
}

/**
 * Loads the documents of streams to which something is being appended, where a projection has one for each stream;
 * undefined where that cannot be told before the events are there.
 */
export async function loadAhead(
  scope: TransactionScope,
  { projection, target }: FoldHow,
  streamIds: readonly string[],
): Promise<LoadedAhead | undefined> {
  const { byStream, filter } = projection
  if (!byStream || filter?.categories !== undefined) return undefined
  const prefix = filter?.streamPrefix ?? ''
  const chosen = streamIds.filter((id) => id.startsWith(prefix) && filter?.streamIds?.includes(id) !== false)
  if (chosen.length === 0) return undefined
  return naming(projection, [], async () => {
    const open = await target.open(scope, { shadow: false })
    return { open, docs: await open.load(chosen.toSorted(), true) }
  })
}

interface LoadRequest {
  readonly open: OpenTarget
  readonly keys: readonly string[]
  readonly to: WriteTarget
  readonly ahead: LoadedAhead | undefined
}

/** What the database may have against a document. */
const ofDocuments = new Set(['DatabaseError', 'UniqueViolation', 'UniqueConflict'])

/** Folds a batch into its documents: loads all of them, folds in memory, and writes what has changed. */
export async function applyFold(
  scope: TransactionScope,
  how: FoldHow,
  events: readonly StoredEvent[],
  { to, ahead }: { readonly to: WriteTarget; readonly ahead?: LoadedAhead | undefined },
): Promise<void> {
  const { projection, target, freeze } = how
  const keyed = keysOf(projection, events)
  if (keyed.length === 0) return
  const keys = [...new Set(keyed.flatMap((each) => each.keys))].toSorted()
  await naming(projection, events, async () => {
    const open = ahead?.open ?? (await target.open(scope, to))
    const docs = await load(scope, projection, { open, keys, to, ahead })
    if (freeze) for (const doc of docs.values()) deepFreeze(doc)
    const settle = (key: string, doc: object): unknown => open.settle(key, doc)
    await open.write(await foldEvents({ projection, settle, freeze }, keyed, docs))
  })
}

/** Runs `work`; what the database has against documents is the projection's failure. */
async function naming<Result>(
  { name: projection }: FoldProjection,
  events: readonly StoredEvent[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (!isRillflowError(cause) || !ofDocuments.has(cause.code)) throw cause
    const event = events.length === 1 ? events[0] : undefined
    throw new ProjectionFailedError({ projection, event, cause }, 'the database refused its documents; see the cause.')
  }
}

/**
 * Loads documents for a change. A worker is alone, by its checkpoint, and so is a rebuild. Inline ones are changed by any
 * number of transactions at once: those that are there are held, and for those that are not the keys are, which are then
 * looked at again, since whoever held them before may have made them.
 */
async function load(
  scope: TransactionScope,
  { name, mode }: FoldProjection,
  { open, keys, to, ahead }: LoadRequest,
): Promise<ReadonlyMap<string, unknown>> {
  const isShared = mode === 'inline' && !to.shadow
  const found = ahead?.docs ?? (await open.load(keys, isShared))
  const missing = keys.filter((key) => !found.has(key))
  if (missing.length === 0 || !isShared) return found
  const { schema } = await scope.target()
  const locked = scope.query(lockKeys(schema, name, missing))
  // Behind the lock, in a statement of its own, whose snapshot is taken when the lock is there.
  const [again] = await allSent([open.load(missing, true), locked.then(() => new Map<string, unknown>())])
  return new Map([...found, ...(again ?? [])])
}
