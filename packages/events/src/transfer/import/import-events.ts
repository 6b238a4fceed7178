import { InvalidArgumentError, traced, type Connection, type Scope, type Target } from '@rillflow/core'
import type { AppendHooks } from '../../append/append-hooks.js'
import type { EventRegistry } from '../../definitions/event-registry.js'
import type { WakeUps } from '../../head/wake-ups.js'
import { BatchCollector, type ImportBatch } from './collect-batch.js'
import type { ImportEvent, ImportSource } from './import-event.js'
import { ImportFailedError, RowRefusal } from './import-failed-error.js'
import { importedCount } from './import-log.js'
import { checkImportOptions, type ImportOptions, type ImportResult } from './import-options.js'
import { writeBatch, type WrittenBatch } from './write-batch.js'

/** What an import needs of its store. */
export interface ImportParts {
  readonly connection: Connection
  readonly registry: EventRegistry
  readonly wakeUps: WakeUps
  readonly hooks: AppendHooks
}

/** Larger batches are no faster, and hold the head of the feed and their streams longer. */
const defaultBatchSize = 5_000

/**
 * Stores the events of a source, in its order, in batches: each is one transaction and one COPY. The next batch is taken
 * from the source while this one is written, so two of them are in memory at the most; and no connection is lent while
 * the source is waited for, for it may need one itself.
 */
export async function importEvents(
  scope: Scope,
  parts: ImportParts,
  source: ImportSource<ImportEvent>,
  options: ImportOptions,
): Promise<ImportResult> {
  checkImportOptions(options)
  checkSource(source)
  options.signal?.throwIfAborted()
  const target = await scope.target()
  const { name, signal, validate = true, batchSize = defaultBatchSize } = options
  const stored = name === undefined ? 0 : await importedCount(scope, target.schema, name)
  const hooks = options.inline === 'skip' ? undefined : parts.hooks
  const rows = new BatchCollector(source, { registry: parts.registry, hooks, validate, batchSize, signal })
  try {
    return await new Import(parts, target, options).run(rows, stored)
  } finally {
    rows.close()
  }
}

/** One run of an import. */
class Import {
  readonly #parts: ImportParts
  readonly #target: Target
  readonly #options: ImportOptions
  #result: ImportResult = { events: 0, skipped: 0, streams: 0, position: undefined }

  constructor(parts: ImportParts, target: Target, options: ImportOptions) {
    this.#parts = parts
    this.#target = target
    this.#options = options
  }

  async run(rows: BatchCollector, stored: number): Promise<ImportResult> {
    await this.#skip(rows, stored)
    let coming = collect(rows)
    for (;;) {
      const waited = coming
      const batch = await this.#refusing(() => this.#unlessAborted(waited))
      if (batch.rows.length === 0) break
      coming = collect(rows)
      await this.#refusing(() => this.#write(batch), batch.first)
      this.#tell(false)
    }
    this.#tell(true)
    return this.#result
  }

  async #skip(rows: BatchCollector, stored: number): Promise<void> {
    const skipped = await this.#refusing(() => this.#unlessAborted(rows.skip(stored)))
    if (skipped < stored) {
      throw new InvalidArgumentError(
        'source',
        `source ends after ${skipped} rows, but an earlier run of the import ${JSON.stringify(this.#options.name)} has stored ${stored}: ` +
          'it is not the same source. Give another import another name.',
      )
    }
    this.#result = { ...this.#result, skipped }
  }

  async #write(batch: ImportBatch): Promise<void> {
    const { connection, wakeUps } = this.#parts
    const { schema, tenant } = this.#target
    const written = await traced(
      'append',
      () => ({ operation: 'import', schema, tenant, count: batch.rows.length }),
      () => writeBatch({ connection, schema, name: this.#options.name }, batch),
    )
    wakeUps.committed(schema, false)
    this.#count(batch, written)
  }

  #count(batch: ImportBatch, { position, streams }: WrittenBatch): void {
    const { events, skipped, streams: before } = this.#result
    this.#result = { events: events + batch.rows.length, skipped, streams: before + streams, position }
  }

  #tell(done: boolean): void {
    this.#options.onProgress?.({ ...this.#result, done })
  }

  /** A source that is waited for may never answer; what it gives after the abort is dropped. */
  async #unlessAborted<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this.#options
    if (signal === undefined) return work
    signal.throwIfAborted()
    let abort: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
    })
    try {
      return await Promise.race([work, aborted])
    } finally {
      if (abort !== undefined) signal.removeEventListener('abort', abort)
    }
  }

  /** Runs a step; what it was refused for comes out with its row. */
  async #refusing<Result>(step: () => Promise<Result>, row?: number): Promise<Result> {
    try {
      return await step()
    } catch (error) {
      const refusal = error instanceof RowRefusal ? error : row === undefined ? undefined : new RowRefusal(row, error)
      // Not a row's fault: the caller's own signal.
      if (refusal === undefined) throw error
      const { name } = this.#options
      throw new ImportFailedError({ row: refusal.row, imported: this.#result.events, name, cause: refusal.cause })
    }
  }
}

/** Told when its turn comes; until then the batch before it may fail, and nobody listens to this one. */
function collect(rows: BatchCollector): Promise<ImportBatch> {
  const coming = rows.collect()
  coming.catch(() => undefined)
  return coming
}

function checkSource(source: unknown): void {
  const isObject = typeof source === 'object' && source !== null
  if (isObject && (Symbol.asyncIterator in source || Symbol.iterator in source)) return
  throw new InvalidArgumentError('source', 'source must be an iterable or an async iterable of events.')
}
