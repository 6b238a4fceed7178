import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AppendHooks } from '../../append/append-hooks.js'
import { sizeOf } from '../../append/prepared-event.js'
import type { EventRegistry } from '../../definitions/event-registry.js'
import { ImportNotProjectedError } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import type { ImportEvent, ImportSource } from './import-event.js'
import { RowRefusal } from './import-failed-error.js'
import { prepareRow, type ImportRow } from './prepare-row.js'

/** Rows of an import that are stored in one transaction. */
export interface ImportBatch {
  /** The place of its first row in the source, from 1. */
  readonly first: number
  readonly rows: readonly ImportRow[]
}

/** How rows are taken from a source. */
export interface CollectOptions {
  readonly registry: EventRegistry
  /** Rows that one of them wants are refused; undefined where they are to be skipped. */
  readonly hooks: AppendHooks | undefined
  readonly validate: boolean
  readonly batchSize: number
  readonly signal: AbortSignal | undefined
}

const maxBatchChars = 8 * 1024 * 1024

/** As many rows are prepared in one turn of the event loop as about one chunk of a COPY takes. */
const rowsPerTurn = 200

/** Takes a source apart into batches, one at a time. */
export class BatchCollector {
  readonly #iterator: Iterator<ImportEvent> | AsyncIterator<ImportEvent>
  readonly #options: CollectOptions
  #taken = 0
  #ended = false

  constructor(source: ImportSource<ImportEvent>, options: CollectOptions) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    this.#options = options
  }

  /** Steps over rows that are stored already, and tells how many there were: fewer when the source ends before. */
  async skip(count: number): Promise<number> {
    while (this.#taken < count && (await this.#next()) !== undefined)
      if (this.#taken % rowsPerTurn === 0) await nextTurn()
    return this.#taken
  }

  /**
   * The next batch, empty at the end of the source.
   *
   * @throws RowRefusal for a row that cannot be stored, and for a source that throws.
   */
  async collect(): Promise<ImportBatch> {
    const { registry, hooks, validate, batchSize } = this.#options
    const rows: ImportRow[] = []
    const first = this.#taken + 1
    let size = 0
    while (rows.length < batchSize && size < maxBatchChars) {
      const next = this.#next()
      const event = isPromise(next) ? await next : next
      if (event === undefined) break
      try {
        const made = prepareRow(registry, event.value, validate)
        const row = isPromise(made) ? await made : made
        // Older names of a type are projected as the type that they are read as.
        const type = registry.lineageOf(row.type)?.type ?? row.type
        if (hooks?.wants(type) === true) throw new ImportNotProjectedError(type)
        size += sizeOf(row)
        rows.push(row)
      } catch (error) {
        throw new RowRefusal(this.#taken, error)
      }
      // A source that never waits would keep the batch before this one from being sent.
      if (this.#taken % rowsPerTurn === 0) await nextTurn()
    }
    return { first, rows }
  }

  /** Lets the source close what it has open; not waited for, since a source may never answer. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    try {
      const closed: unknown = this.#iterator.return?.()
      if (isPromise(closed)) closed.catch(() => undefined)
    } catch {
      // The import has its own outcome already.
    }
  }

  /** The next row; a promise only where the source gives one, for awaiting what is none costs a turn for each row. */
  #next(): IteratorYieldResult<ImportEvent> | undefined | Promise<IteratorYieldResult<ImportEvent> | undefined> {
    if (this.#ended || this.#options.signal?.aborted === true) return undefined
    const refuse = (error: unknown): never => {
      this.#ended = true
      throw new RowRefusal(this.#taken + 1, error)
    }
    try {
      const next = this.#iterator.next()
      return isPromise(next) ? next.then((result) => this.#take(result), refuse) : this.#take(next)
    } catch (error) {
      return refuse(error)
    }
  }

  #take(next: IteratorResult<ImportEvent>): IteratorYieldResult<ImportEvent> | undefined {
    if (next.done === true) {
      this.#ended = true
      return undefined
    }
    this.#taken += 1
    return next
  }
}
