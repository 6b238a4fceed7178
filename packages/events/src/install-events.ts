import type { Connection, InstalledModule, ModuleHost, Scope, TransactionScope } from '@rillflow/core'
import { AppendHooks } from './append/append-hooks.js'
import { appendInside } from './append/append-inside.js'
import { Appender } from './append/appender.js'
import { runAppend } from './append/run-append.js'
import type { EventFamilies } from './definitions/define-events.js'
import type { EventRegistry } from './definitions/event-registry.js'
import type { EventReads, EventsShape, EventStore, TransactionEventStore } from './event-store.js'
import type { EventsOptions } from './events-options.js'
import { eventsService } from './events-service.js'
import { blockers } from './head/blockers.js'
import { HeadReader } from './head/head-reader.js'
import { Heads } from './head/heads.js'
import { WakeUps } from './head/wake-ups.js'
import { repairStreams, verifyStreams } from './maintenance/verify-streams.js'
import type { IndexedColumn } from './read/read-all-statement.js'
import { readAll } from './read/read-all.js'
import { checkCount, type ReadStreamOptions } from './read/read-options.js'
import { readStream } from './read/read-stream.js'
import { sessionPart } from './session/session-part.js'
import { sendableAppend } from './streams/append-builder.js'
import { streamOperations } from './streams/stream-operations.js'
import { transferOperations } from './transfer/transfer-operations.js'
import { upcasterCatalog } from './upcasting/upcaster-catalog.js'

/** Makes what one store shares, and the API of each of its scopes. */
export function installEvents<Families extends EventFamilies>(
  { connection, logger }: ModuleHost,
  registry: EventRegistry,
  options: EventsOptions,
): InstalledModule<EventsShape<Families>> {
  const { groupCommit = true, wakeUps: notify = true, outcomeTimeout = 10_000, indexes: indexed = [] } = options
  const wakeUps = new WakeUps(connection, logger, notify)
  const hooks = new AppendHooks()
  const appender = new Appender(connection, wakeUps, { groupCommit, outcomeTimeout, hooks })
  const headReader = new HeadReader()
  const heads = new Heads({ connection, logger, wakeUps, headReader, listen: notify })
  const parts = { registry, headReader, indexed, appender, heads, connection, wakeUps, hooks }
  return {
    service: eventsService(parts, {
      on: (scope) => storeApi<EventFamilies>(scope, parts),
      within: (scope) => transactionApi<EventFamilies>(scope, parts),
      onAppend: (hook) => hooks.add(hook),
    }),
    store: (scope) => storeApi<Families>(scope, parts),
    transaction: (scope) => transactionApi<Families>(scope, parts),
    session: (scope) => sessionPart(scope, parts),
    close: async () => {
      await appender.close()
      await heads.close()
      wakeUps.close()
    },
  }
}

interface ReadParts {
  readonly registry: EventRegistry
  readonly headReader: HeadReader
  readonly indexed: readonly IndexedColumn[]
}

function readApi<Families extends EventFamilies>(
  scope: Scope,
  { registry, headReader, indexed }: ReadParts,
  inTransaction: boolean,
): EventReads<Families> {
  return {
    ...streamOperations(scope),
    // The registry has every type of the families, and a row of another type throws.
    readStream: ((streamId: string, options?: ReadStreamOptions) =>
      readStream(scope, registry, streamId, options ?? {})) as EventReads<Families>['readStream'],
    readAll: (options = {}) => readAll(scope, options, { registry, headReader, indexed, inTransaction }),
    head: async () => headReader.read(scope, (await scope.target()).schema, inTransaction),
  }
}

function storeApi<Families extends EventFamilies>(
  scope: Scope,
  parts: ReadParts & { appender: Appender; heads: Heads; connection: Connection; wakeUps: WakeUps; hooks: AppendHooks },
): EventStore<Families> {
  const { registry, appender, heads } = parts
  const appendTo: EventStore<Families>['append'] = (streamId, list, options = {}) =>
    appender.track(() =>
      runAppend(scope, { registry, streamId, events: list, options }, (schema, prepared) =>
        appender.append({ schema, scope }, prepared, options.signal),
      ),
    )
  return {
    ...readApi<Families>(scope, parts, false),
    ...transferOperations<Families>(scope, parts),
    append: appendTo,
    stream: (streamId) => sendableAppend(streamId, appendTo),
    async waitForHead(after, options = {}) {
      checkCount('after', after, 0)
      return heads.wait((await scope.target()).schema, after, options.signal)
    },
    blockers: () => blockers(scope),
    verify: () => verifyStreams(scope),
    repair: () => repairStreams(scope),
    upcasters: upcasterCatalog(registry),
  }
}

function transactionApi<Families extends EventFamilies>(
  scope: TransactionScope,
  parts: ReadParts & { wakeUps: WakeUps; hooks: AppendHooks },
): TransactionEventStore<Families> {
  const { registry, wakeUps, hooks } = parts
  const appendTo: TransactionEventStore<Families>['append'] = (streamId, list, options = {}) =>
    runAppend(scope, { registry, streamId, events: list, options }, (schema, prepared) => {
      scope.onCommit(() => wakeUps.committed(schema, false))
      return appendInside(scope, schema, prepared, hooks)
    })
  return {
    ...readApi<Families>(scope, parts, true),
    append: appendTo,
    stream: (streamId) => sendableAppend(streamId, appendTo),
  }
}
