import type { Scope } from '@rillflow/core'
import type { EventFamilies, StoredEventOf } from '../definitions/define-events.js'
import { exportEvents, type ExportOptions, type ExportParts } from './export/export-events.js'
import type { ImportEvent, ImportEventOf, ImportSource } from './import/import-event.js'
import { importEvents, type ImportParts } from './import/import-events.js'
import type { ImportOptions, ImportResult, UntypedImportOptions } from './import/import-options.js'

/** Moves many events at once, in and out. */
export interface TransferOperations<Families extends EventFamilies> {
  /**
   * Stores many events, in the order of their source, into new streams and existing ones: by COPY, in batches that are
   * each one transaction. Appends and readers go on meanwhile. With a `name` an import that ended early, in whatever way,
   * is run again with the same source and goes on where it was.
   *
   * Events of an export, and others that the types do not know, are imported by saying `validate`. A client that cannot
   * COPY (an adapter, a single `{ client }`, pipeline mode) gets inserts, which take longer.
   *
   * @throws ImportFailed with the row and the cause: one of those of an append, or what the source itself threw.
   * @throws InvalidArgument for options that do not fit, and for a source shorter than what is stored of it.
   *
   * @example
   * ```ts ignore
   * const { events } = await store.events.import(rowsOfTheOldTable(), {
   *   name: 'orders before 2026',
   *   onProgress: ({ skipped, events }) => console.log(`${skipped + events} events`),
   * })
   * ```
   */
  import(source: ImportSource<ImportEventOf<Families>>, options?: ImportOptions): Promise<ImportResult>
  import(source: ImportSource<ImportEvent>, options: UntypedImportOptions): Promise<ImportResult>
  /**
   * Gives events as text, line by line, up to the safe head as it is when the iteration begins; {@link parseExport} reads
   * it. They are given as they are stored: older forms are not upcast, so an import of all of them stores the same again.
   * Positions, aliases, idempotency keys and whether a stream is archived or tombstoned stay behind.
   *
   * A filter that leaves out some events of a stream leaves holes in its versions: take them off before importing.
   *
   * @example
   * ```ts ignore
   * await pipeline(store.events.export(), createWriteStream('events.ndjson'))
   * ```
   */
  export(options?: ExportOptions<StoredEventOf<Families>['type']>): AsyncIterable<string>
}

/** The operations on the events of a scope. */
export function transferOperations<Families extends EventFamilies>(
  scope: Scope,
  parts: ImportParts & ExportParts,
): TransferOperations<Families> {
  return {
    import: (source: ImportSource<ImportEvent>, options: ImportOptions = {}) =>
      importEvents(scope, parts, source, options),
    export: (options = {}) => exportEvents(scope, parts, options),
  }
}
