import { InvalidArgumentError } from '@rillflow/core'
import {
  checkName,
  checkWhole,
  deadLettersOf,
  isStart,
  listConsumers,
  pauseConsumer,
  resetConsumer,
  resumeConsumer,
  type ConsumerStatus,
  type Runs,
} from '@rillflow/subscriptions'
import { ProjectionNotFoundError } from '../errors.js'
import { rebuildProjection } from '../rebuild/rebuild-projection.js'
import type { ProjectionOperations, ProjectionStatus, RunProjectionsOptions } from './projection-operations.js'
import { catchUp, ensureProjection, keepUp, liveKey, runPage, type Workable } from './projection-workers.js'
import { resolveWorker, type WorkerHost } from './run-projection.js'
import { waitForPosition } from './wait-for.js'

const kind = 'projection'

/** Makes the operations of one tenant's projections. */
export function projectionOperations(
  host: WorkerHost,
  stored: ReadonlyMap<string, Workable>,
  runs: Runs,
): ProjectionOperations {
  const { scope, events } = host
  const find = (name: unknown): Workable => {
    checkName('name', name)
    const found = stored.get(name)
    if (found === undefined) throw new ProjectionNotFoundError(name, [...stored.keys()])
    return found
  }
  const chosen = (only: readonly string[] | undefined): readonly Workable[] => {
    const asynchronous = only === undefined ? [...stored.values()] : only.map(find)
    return asynchronous.filter(({ runner }) => runner.projection.mode === 'async')
  }
  /** Each of the chosen ones, once its row is there; they do not end each other. */
  const each = async (
    options: RunProjectionsOptions,
    work: (
      workable: Workable,
      how: { readonly worker: ReturnType<typeof resolveWorker>; readonly signal: AbortSignal },
    ) => Promise<void>,
  ): Promise<void> => {
    const worker = resolveWorker(options)
    const workables = chosen(options.only)
    await runs.start(options.signal, async (signal) => {
      for (const workable of workables) await ensureProjection(host, workable)
      const ends = await Promise.allSettled(workables.map((workable) => work(workable, { worker, signal })))
      const failed = ends.find((end) => end.status === 'rejected')
      if (failed !== undefined && !signal.aborted) throw failed.reason
    })
  }
  const list = async (name?: string): Promise<readonly ProjectionStatus[]> => {
    let head = 0
    const readHead = async (): Promise<number> => (head = await events.head())
    const consumers = await listConsumers(scope, { kind, name }, readHead)
    return statusesOf({ consumers, head, name }, stored)
  }
  const statusesOfChosen = async (only: readonly string[] | undefined): Promise<readonly ProjectionStatus[]> => {
    const names = new Set(chosen(only).map(({ runner }) => runner.projection.name))
    return (await list()).filter(({ name }) => names.has(name))
  }
  return {
    run: async (options = {}) => each(options, (workable, how) => keepUp(host, workable, how)),
    async runOnce(options = {}) {
      await each(options, async (workable, how) => runPage(host, workable, { ...how, head: await events.head() }))
      return statusesOfChosen(options.only)
    },
    async runUntilIdle(options = {}) {
      const to = await events.head()
      await each(options, async (workable, how) => {
        const [status] = await list(workable.runner.projection.name)
        if (status?.state !== 'paused') await catchUp(host, workable, { ...how, to })
      })
      return statusesOfChosen(options.only)
    },
    async waitFor(name, position, options = {}) {
      const { projection } = find(name).runner
      checkWhole('position', position, [0, Number.MAX_SAFE_INTEGER])
      if (options.timeout !== undefined) checkWhole('timeout', options.timeout, [0, 86_400_000])
      if (projection.mode === 'inline') return
      await waitForPosition(scope, name, { ...options, position, version: projection.version })
    },
    async rebuild(name, { onProgress, signal, ...options } = {}) {
      const workable = find(name)
      const worker = resolveWorker(options)
      await runs.start(signal, async (until) => {
        const isDone = await rebuildProjection(host, { ...workable, worker, signal: until, onProgress })
        if (!isDone) until.throwIfAborted()
      })
    },
    list: async () => list(),
    async status(name) {
      checkName('name', name)
      const [status] = await list(name)
      if (status === undefined) throw new ProjectionNotFoundError(name, [...stored.keys()])
      return status
    },
    async pause(name) {
      checkName('name', name)
      const workable = stored.get(name)
      if (workable?.runner.projection.mode === 'inline') throw inlineError('pause', name)
      if (workable !== undefined) await ensureProjection(host, workable)
      await pauseConsumer(scope, liveKey(name))
    },
    async resume(name) {
      checkName('name', name)
      await resumeConsumer(scope, liveKey(name))
    },
    async reset(name, to) {
      checkName('name', name)
      if (!isStart(to)) throw new InvalidArgumentError('to', "It must be 'beginning', 'now' or a position.")
      if (stored.get(name)?.runner.projection.mode === 'inline') throw inlineError('reset', name)
      await resetConsumer(scope, liveKey(name), to === 'now' ? await events.head() : to === 'beginning' ? 0 : to)
    },
    deadLetters: deadLettersOf(scope, kind),
  }
}

function inlineError(operation: string, name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'name',
    `${operation}: the projection ${name} is inline and has no checkpoint: it is part of each append. Rebuild it, if need be.`,
  )
}

interface Found {
  readonly consumers: readonly ConsumerStatus[]
  readonly head: number
  /** Undefined for all. */
  readonly name: string | undefined
}

interface Consumers {
  readonly live: ConsumerStatus | undefined
  readonly rebuild: ConsumerStatus | undefined
  readonly head: number
}

/** What is stored, and what is defined and was never run. */
function statusesOf(
  { consumers, head, name }: Found,
  stored: ReadonlyMap<string, Workable>,
): readonly ProjectionStatus[] {
  const names = new Set([...stored.keys(), ...consumers.map((consumer) => consumer.name)])
  return [...names]
    .filter((each) => name === undefined || each === name)
    .toSorted()
    .map((each) => {
      const of = (group: string): ConsumerStatus | undefined =>
        consumers.find((consumer) => consumer.name === each && consumer.group === group)
      return statusOf(each, stored.get(each), { live: of(''), rebuild: of('rebuild'), head })
    })
}

function statusOf(name: string, workable: Workable | undefined, { live, rebuild, head }: Consumers): ProjectionStatus {
  const definition = workable?.runner.projection
  const isInline = definition?.mode === 'inline'
  const position = isInline ? head : (live?.position ?? 0)
  return {
    name,
    mode: definition?.mode,
    version: live?.version ?? definition?.version ?? 1,
    defined: definition?.version,
    state: live?.state ?? 'active',
    position,
    head,
    lag: Math.max(0, head - position),
    deadLetters: live?.deadLetters ?? { failed: 0, waiting: 0 },
    worker: live?.partitions[0]?.worker,
    failing: live?.partitions[0]?.failing,
    lastError: live?.partitions[0]?.lastError,
    rebuild: rebuild && { version: rebuild.version, position: rebuild.position, state: rebuild.state },
  }
}
