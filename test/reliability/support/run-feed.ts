import { join } from 'node:path'
import { withChildren } from './child.js'
import type { Attempt, RecordedEvent } from './history.js'
import { readRecord } from './history-folder.js'

/** The share of attempts with each feature; `gapMs` is the longest pause between a document and its events. */
export interface Mix {
  readonly document: number
  readonly rollback: number
  readonly slow: number
  readonly savepoint: number
  readonly twice: number
  readonly session: number
  readonly gapMs: number
}

/** A process that follows a feed. */
export interface ReaderJob {
  readonly name: string
  /** `library` is Rillflow's own; the others are known to be wrong. */
  readonly feed: 'library' | 'position' | 'transactionId' | 'snapshotXmax'
  readonly type?: string | undefined
  readonly streamId?: string | undefined
}

/** Writers and readers on one schema. */
export interface FeedRun {
  readonly url: string
  /** True when the URL leads through a pooler that keeps no session. */
  readonly pooled?: boolean | undefined
  readonly schema: string
  readonly folder: string
  readonly seed: number
  readonly writers: {
    readonly processes: number
    readonly callers: number
    /** By all of them together. */
    readonly attempts: number
    readonly streams: number
    readonly mix: Mix
  }
  readonly readers: readonly ReaderJob[]
  /** Looks up the last position when the writers are done. */
  readonly lastPosition: () => Promise<number>
}

/** What the processes recorded. */
export interface FeedHistory {
  readonly attempts: readonly Attempt[]
  readonly readers: readonly (ReaderJob & { readonly seen: readonly RecordedEvent[]; readonly reached: boolean })[]
}

/** Lets all writers and readers begin at one word, and returns when the writers are done and the readers at the end. */
export async function runFeed(run: FeedRun): Promise<FeedHistory> {
  const { url, pooled, schema, seed, folder } = run
  const { processes, callers, attempts, streams, mix } = run.writers
  const fileOf = (name: string): string => join(folder, `${name}.jsonl`)
  const names = Array.from({ length: processes }, (_, index) => `writer-${index}`)
  const share = { attempts: Math.ceil(attempts / processes), callers, streams, mix }
  return withChildren(async (start) => {
    const writers = names.map((name, index) =>
      start<void>('writer', { url, pooled, schema, ...share, name, seed: seed + index, file: fileOf(name) }),
    )
    const readers = run.readers.map((job, index) => ({
      job,
      child: start<{ reached: boolean }>('reader', {
        ...job,
        url,
        pooled,
        schema,
        seed: seed + processes + index,
        file: fileOf(job.name),
      }),
    }))
    const all = [...writers, ...readers.map(({ child }) => child)]
    await Promise.all(all.map((child) => child.ready()))
    for (const child of all) child.send('go')
    await Promise.all(writers.map((writer) => writer.done()))
    const position = await run.lastPosition()
    for (const { child } of readers) child.send('drain', { position })
    const ends = await Promise.all(readers.map(async ({ job, child }) => ({ ...job, ...(await child.done()) })))
    return {
      attempts: (await Promise.all(names.map((name) => readRecord<Attempt>(fileOf(name))))).flat(),
      readers: await Promise.all(
        ends.map(async (end) => ({ ...end, seen: await readRecord<RecordedEvent>(fileOf(end.name)) })),
      ),
    }
  })
}
