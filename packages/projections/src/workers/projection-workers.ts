import { setTimeout as sleep } from 'node:timers/promises'
import { isRillflowError } from '@rillflow/core'
import { createConsumer, type ConsumerKey, type Lease } from '@rillflow/subscriptions'
import type { ProjectionRunner } from '../apply/projection-runner.js'
import { findRebuild, rebuildProjection } from '../rebuild/rebuild-projection.js'
import type { Shadow } from '../rebuild/shadow.js'
import { runProjection, type ResolvedWorker, type WorkerHost } from './run-projection.js'
import { placeOf, waitForPosition } from './wait-for.js'

/** A projection that workers bring on. */
export interface Workable {
  readonly runner: ProjectionRunner
  readonly shadow: Shadow
}

/** How workers work. */
export interface Working {
  readonly worker: ResolvedWorker
  readonly signal: AbortSignal
}

/** Before a projection that met something unforeseen is tried again, in milliseconds. */
const troublePause = 5_000

/** The consumer that readers' data hangs on. */
export function liveKey(name: string): ConsumerKey {
  return { kind: 'projection', name, group: '' }
}

/** Makes the row of a projection that never ran. */
export async function ensureProjection({ scope }: Pick<WorkerHost, 'scope'>, { runner }: Workable): Promise<void> {
  const { name, version } = runner.projection
  await createConsumer(scope, liveKey(name), { partitions: 1, version, position: 0, maxInFlight: 1 })
}

/**
 * Keeps a projection up with its events until the signal is aborted. What goes wrong with one is logged and tried again:
 * it must not end the others.
 */
export async function keepUp(host: WorkerHost, workable: Workable, { worker, signal }: Working): Promise<void> {
  const { name } = workable.runner.projection
  while (!signal.aborted) {
    try {
      await runBoth(host, workable, { worker, signal })
    } catch (error) {
      if (signal.aborted) return
      if (isRillflowError(error, 'ConsumerStopped')) {
        host.logger.error({ err: error, projection: name }, 'a projection stopped; it goes on when it is resumed')
        continue
      }
      host.logger.error({ err: error, projection: name }, 'a projection was interrupted; it is tried again')
      await sleep(troublePause, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** The projection as it is; and, where it is stored in an older version or a rebuild was left, the rebuild. */
async function runBoth(host: WorkerHost, workable: Workable, { worker, signal }: Working): Promise<void> {
  const { runner, shadow } = workable
  const { name, version } = runner.projection
  const place = await placeOf(host.scope, name)
  if (place !== undefined && place.version > version) {
    host.logger.warn({ projection: name }, 'newer code has built a projection; this worker waits for nothing')
  }
  const isOld = place !== undefined && place.version < version
  const left = await findRebuild(host.scope, name)
  // One that stopped begins anew when somebody asks for it; one of newer code is not this worker's.
  const rebuilds = left === undefined || left.version < version ? isOld : left.version === version && !left.isStopped
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const run = { runner, worker, signal: both }
  const tasks: Promise<unknown>[] = [
    runProjection(host, { ...run, key: liveKey(name), shadow: false, isEnough: () => false }),
  ]
  if (rebuilds) tasks.push(rebuildProjection(host, { ...run, shadow }))
  try {
    await Promise.all(tasks)
  } finally {
    failed.abort()
    await Promise.allSettled(tasks)
  }
}

/** Brings a projection to a position, or sees another worker do it; one that is stored in an older version is rebuilt. */
export async function catchUp(
  host: WorkerHost,
  { runner, shadow }: Workable,
  { worker, signal, to }: Working & { readonly to: number },
): Promise<void> {
  const { name, version } = runner.projection
  const place = await placeOf(host.scope, name)
  if (place !== undefined && place.version < version) {
    await rebuildProjection(host, { runner, shadow, worker, signal })
  }
  const run = {
    runner,
    worker,
    key: liveKey(name),
    shadow: false,
    isEnough: (lease: Lease): boolean => lease.position >= to,
  }
  // Also where the checkpoint is there already: what an operator has put back is projected under a lease.
  await runProjection(host, { ...run, signal, once: true })
  const there = new AbortController()
  const both = AbortSignal.any([signal, there.signal])
  const running = runProjection(host, { ...run, signal: both })
  try {
    const waiting = waitForPosition(host.scope, name, { position: to, version, timeout: Infinity, signal: both })
    await Promise.race([waiting, running.then(() => waiting)])
  } finally {
    there.abort()
    await running
  }
}

/** Applies one page, if the lease is free and there is one; how far it came. */
export async function runPage(
  host: WorkerHost,
  { runner }: Workable,
  { worker, signal, head }: Working & { readonly head: number },
): Promise<void> {
  let asked = 0
  await runProjection(host, {
    runner,
    worker,
    signal,
    key: liveKey(runner.projection.name),
    shadow: false,
    once: true,
    isEnough: (lease) => (asked += 1) > 1 || lease.position >= head,
  })
}
