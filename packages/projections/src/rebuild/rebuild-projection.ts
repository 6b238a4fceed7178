import { setTimeout as sleep } from 'node:timers/promises'
import { isRillflowError, safeInteger, type Scope, type TransactionScope } from '@rillflow/core'
import type { Feed } from '@rillflow/events'
import {
  ConsumerStoppedError,
  describeConsumer,
  isTransient,
  readAside,
  type ConsumerKey,
  type Lease,
} from '@rillflow/subscriptions'
import type { ProjectionRunner } from '../apply/projection-runner.js'
import { RebuildRefusedError } from '../errors.js'
import { applyWithin } from '../workers/apply-within.js'
import { runProjection, type ResolvedWorker, type WorkerHost } from '../workers/run-projection.js'
import * as statements from './rebuild-statements.js'
import type { Shadow } from './shadow.js'

/** How far a rebuild has come. */
export interface RebuildProgress {
  /** Everything up to here is in what is made anew. */
  readonly position: number
  readonly head: number
}

/** One rebuild, from its beginning, or from where another worker left it, to the swap. */
export interface Rebuild {
  readonly runner: ProjectionRunner
  readonly shadow: Shadow
  readonly worker: ResolvedWorker
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined
}

/** How often a rebuild that has caught up looks whether it may be swapped, in milliseconds. */
const swapPause = 100

/** The most events that the swap itself applies, where a batch may be so large, and for how long, in milliseconds. */
const rest = { events: 1_000, time: 5_000 }

/**
 * Makes what a projection writes anew, beside what readers see, and swaps it in one transaction when it has caught up.
 * Several workers may call it at once: one of them works, and the others take over when it ends. False when the signal
 * has ended it before.
 *
 * @throws ConsumerStopped when an event fails and the policy is to stop; RebuildRefused.
 */
export async function rebuildProjection(host: WorkerHost, rebuild: Rebuild): Promise<boolean> {
  const { runner, worker, signal, onProgress } = rebuild
  if (signal.aborted) return false
  await begin(host, rebuild)
  const done = new AbortController()
  const end = (): void => done.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  // Another worker may do it instead: then the row goes, and there is nothing to wait for.
  const watching = watch(host, rebuild, done)
  let isSwapped = false
  try {
    await runProjection(host, {
      runner,
      key: keyOf(rebuild),
      // Nobody would have the dead letters of an inline one tried again.
      worker: runner.projection.mode === 'inline' ? { ...worker, onFailure: 'stop' } : worker,
      shadow: true,
      signal: done.signal,
      patience: swapPause,
      async isEnough(lease) {
        const head = await host.events.head()
        onProgress?.({ position: lease.position, head })
        isSwapped = await swap(host, rebuild, lease, head)
        return isSwapped
      },
    })
  } catch (error) {
    // What this one still wrote to is gone when another one has swapped it: that is no failure.
    if ((await findRebuild(host.scope, runner.projection.name)) !== undefined) throw error
    isSwapped = true
  } finally {
    done.abort()
    signal.removeEventListener('abort', end)
    await watching
  }
  const seen = await watching
  if (isSwapped || seen === 'gone') return true
  if (seen !== undefined) throw seen
  return false
}

function keyOf({ runner }: Rebuild): ConsumerKey {
  return { kind: 'projection', name: runner.projection.name, group: 'rebuild' }
}

async function begin({ scope }: WorkerHost, { runner, shadow }: Rebuild): Promise<void> {
  const { name, version } = runner.projection
  await scope.transaction(async (inside) => {
    const { schema } = await inside.target()
    await inside.query(statements.ensureLive(schema, [name, version]))
    const live = await lockLive(inside, name)
    const left = await findRebuild(inside, name)
    const stored = Math.max(live.version, left?.version ?? 0)
    if (stored > version) throw new RebuildRefusedError(name, { own: version, stored })
    const { rows } = await inside.query<readonly [id: string]>(statements.beginRebuild(schema, [name, version]))
    const [begun] = rows
    if (begun === undefined) return
    await inside.query(statements.forgetLetters(schema, [begun[0]]))
    await shadow.make(inside)
  })
}

async function lockLive(
  scope: TransactionScope,
  name: string,
): Promise<{ readonly position: number; readonly version: number }> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [position: string, version: number]>(statements.lockLive(schema, [name]))
  const [position, version] = rows[0] as readonly [string, number]
  return { position: safeInteger(position, 'position'), version }
}

/** A rebuild that is under way, or was left. */
interface FoundRebuild {
  readonly version: number
  readonly isStopped: boolean
  /** Of the event that failed, if one did. */
  readonly position: number
}

/** The rebuild of a projection that is under way, or was left. */
export async function findRebuild(scope: Scope, name: string): Promise<FoundRebuild | undefined> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [version: number, status: string, position: string]>(
    statements.findRebuild(schema, [name]),
  )
  const [row] = rows
  return row && { version: row[0], isStopped: row[1] === 'stopped', position: safeInteger(row[2], 'position') }
}

/** Ends the waiting for a lease when another worker has ended the rebuild: `gone` is done, all else is why it is not. */
async function watch(host: WorkerHost, rebuild: Rebuild, done: AbortController): Promise<'gone' | Error | undefined> {
  const { name, version } = rebuild.runner.projection
  for (;;) {
    await sleep(rebuild.worker.times.poll, undefined, { signal: done.signal }).catch(() => undefined)
    if (done.signal.aborted) return undefined
    try {
      const found = await findRebuild(host.scope, name)
      const seen = found === undefined ? 'gone' : whyOver(found, describeConsumer(keyOf(rebuild)), { name, version })
      if (seen === undefined) continue
      done.abort()
      return seen
    } catch (error) {
      host.logger.debug({ err: error }, 'the rebuild could not be looked for; trying again')
    }
  }
}

function whyOver(
  found: FoundRebuild,
  consumer: string,
  { name, version }: { readonly name: string; readonly version: number },
): Error | undefined {
  if (found.version > version) return new RebuildRefusedError(name, { own: version, stored: found.version })
  return found.isStopped ? new ConsumerStoppedError(consumer, found.position, undefined) : undefined
}

/** True when what was made is what readers see now. */
async function swap(host: WorkerHost, rebuild: Rebuild, lease: Lease, head: number): Promise<boolean> {
  const { projection } = rebuild.runner
  // Events come all the time, and one that waits to be level with the head may never be.
  if (head - lease.position > mostOf(rebuild)) return false
  const isInline = projection.mode === 'inline'
  // Before the transaction, which has a connection: nothing but this lease puts more aside, or an operator, who ends it.
  const { parked } = await readAside(lease)
  let isApplying = false
  try {
    return await host.scope.transaction(async (scope) => {
      isApplying = false
      const { schema } = await scope.target()
      const live = await lockLive(scope, projection.name)
      if (isInline) {
        await scope.query(statements.limitWait('-', []))
        await scope.query(statements.holdAppends(schema, []))
      }
      await holdRebuild(scope, lease)
      const position = isInline ? await lastEvent(scope) : Math.max(live.position, head)
      isApplying = true
      if (!(await applyRest(host, rebuild, { scope, lease, to: position, parked }))) return false
      isApplying = false
      await scope.query(statements.lift('-', []))
      await rebuild.shadow.swap(scope)
      const { consumerId } = lease.claim
      await scope.query(statements.dropLiveLetters(schema, [projection.name]))
      await scope.query(statements.takeLetters(schema, [projection.name, consumerId]))
      await scope.query(statements.finishRebuild(schema, [projection.name, position, projection.version]))
      await scope.query(statements.endRebuild(schema, [consumerId]))
      return true
    })
  } catch (error) {
    if (isTransient(error)) throw error
    if (isRillflowError(error, 'LockTimeout')) {
      host.logger.info({ projection: projection.name }, 'appends are under way for long; the swap is tried again')
      return false
    }
    if (!isApplying) throw error
    host.logger.debug({ err: error }, 'the last events of a rebuild failed; they are projected before the swap')
    return false
  }
}

async function lastEvent(scope: TransactionScope): Promise<number> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [position: string]>(statements.lastEvent(schema, []))
  return safeInteger((rows[0] as readonly [string])[0], 'position')
}

async function holdRebuild(scope: TransactionScope, lease: Lease): Promise<void> {
  const { schema } = await scope.target()
  const { consumerId, epoch } = lease.claim
  const { rowCount } = await scope.query(statements.lockRebuild(schema, [consumerId, epoch, lease.position]))
  if (rowCount === 0) throw lease.lostError()
}

/** Others wait for the swap, so it leaves what is more to the batches before it. */
function mostOf({ worker }: Rebuild): number {
  return Math.min(rest.events, worker.batchSize)
}

interface Rest {
  readonly scope: TransactionScope
  readonly lease: Lease
  readonly to: number
  /** The streams whose events must be put aside. */
  readonly parked: ReadonlySet<string>
}

/** Applies what came behind the checkpoint; false when that is not to be done while others wait. */
async function applyRest(host: WorkerHost, rebuild: Rebuild, { scope, lease, to, parked }: Rest): Promise<boolean> {
  if (to <= lease.position) return true
  const { runner, worker } = rebuild
  const feed: Feed = host.service.feed({ filter: runner.selection })
  const page = await feed.read(scope, { after: lease.position, to, limit: mostOf(rebuild) })
  if (page.unreadable !== undefined || page.through < to) return false
  if (page.events.some(({ streamId }) => parked.has(streamId))) return false
  await applyWithin(
    scope,
    { runner, lease, target: { shadow: true }, timeout: Math.min(worker.timeout, rest.time) },
    page.events,
  )
  return true
}
