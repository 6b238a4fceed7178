import { InvalidArgumentError, InvalidStateError, safeInteger, validate, type Logger, type Scope } from '@rillflow/core'
import type { BareEvent, BareRow, EventFamilies, EventReads, EventsService } from '@rillflow/events'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { checkAggregate } from '../definition/check-aggregate.js'
import { deepFreeze } from '../definition/deep-freeze.js'
import { fold, initialState, type Folding } from './fold.js'
import { loadEvents, loadFromSnapshot, type LoadRow } from './load-statements.js'

/** What loading needs of its store, transaction or session. */
export interface LoadHost {
  readonly scope: Scope
  readonly logger: Logger
  readonly reads: Pick<EventReads<EventFamilies>, 'readStream'>
  readonly service: Pick<EventsService, 'decode'>
  readonly freeze: boolean
}

/** So many events come with one round trip, and are in memory at once. */
const pageSize = 5_000

/** A state with the version of the snapshot that it was made from; 0 without one. */
export interface LoadedFrom extends AnyLoaded {
  readonly snapshotVersion: number
}

/**
 * Loads an aggregate up to a version: from its snapshot, if there is one that can be used, and the events behind it.
 *
 * @throws EvolveFailed, UnknownEventType, EventTooNew, UpcastFailed
 */
export async function loadAggregate(
  host: LoadHost,
  aggregate: AnyAggregate,
  id: string,
  to = Number.MAX_SAFE_INTEGER,
): Promise<LoadedFrom> {
  checkAggregate(aggregate)
  checkId(id)
  const how: Folding = { aggregate, id, freeze: host.freeze }
  const { schema } = await host.scope.target()
  if (aggregate.snapshot !== undefined) {
    const { version: schemaVersion } = aggregate.snapshot
    const values = [id, 1, to, pageSize, aggregate.name, schemaVersion]
    const { rows } = await host.scope.query<LoadRow>(loadFromSnapshot(schema, values))
    const base = await readSnapshot(host, how, rows[0])
    if (base !== undefined) return foldPages(host, how, { base, first: rows.slice(1), to })
    if (rows[0]?.[1] !== null) return foldPages(host, how, { base: nothing(how), first: rows, to })
  }
  const { rows } = await host.scope.query<LoadRow>(loadEvents(schema, [id, 1, to, pageSize]))
  return foldPages(host, how, { base: nothing(how), first: rows, to })
}

/** Refuses what is no stream id, before anything is sent. */
export function checkId(id: string): void {
  if (typeof id === 'string' && id !== '') return
  throw new InvalidArgumentError('id', 'id must be the id of a stream: text, and not empty.')
}

interface Base {
  readonly state: unknown
  readonly version: number
}

function nothing(how: Folding): Base {
  return { state: initialState(how), version: 0 }
}

/** The state of a snapshot; undefined without one, and for one that its schema refuses. */
async function readSnapshot(host: LoadHost, how: Folding, row: LoadRow | undefined): Promise<Base | undefined> {
  if (row === undefined || row[1] !== null) return undefined
  const version = safeInteger(row[0], 'version')
  const { name, snapshot } = how.aggregate
  try {
    const stored = JSON.parse(row[3]) as unknown
    const state = snapshot?.schema === undefined ? stored : await validate(snapshot.schema, stored, 'the state')
    return { state: how.freeze ? deepFreeze(state) : state, version }
  } catch (error) {
    host.logger.warn({ err: error, aggregate: name, id: how.id, version }, 'a snapshot cannot be read; its events are')
    return undefined
  }
}

async function foldPages(
  host: LoadHost,
  how: Folding,
  from: { readonly base: Base; readonly first: readonly LoadRow[]; readonly to: number },
): Promise<LoadedFrom> {
  const { schema } = await host.scope.target()
  let { state, version } = from.base
  for (let rows = from.first; rows.length > 0;) {
    state = fold(how, state, await decodeRows(host, how.id, rows))
    const last = lastVersion(rows)
    // The rows of one stream have no holes: a state with a hole in it would be a wrong one.
    if (last !== version + rows.length) throw torn(how, version, rows)
    version = last
    if (rows.length < pageSize) break
    const next = await host.scope.query<LoadRow>(loadEvents(schema, [how.id, version + 1, from.to, pageSize]))
    rows = next.rows
  }
  return { id: how.id, state, version, exists: version > 0, snapshotVersion: from.base.version }
}

async function decodeRows(host: LoadHost, id: string, rows: readonly LoadRow[]): Promise<readonly BareEvent[]> {
  const decoded = host.service.decode(rows as readonly BareRow[], id)
  if (decoded !== undefined) return decoded
  const from = safeInteger((rows[0] as LoadRow)[0], 'version')
  return host.reads.readStream(id, { from, to: lastVersion(rows), metadata: false }).toArray()
}

function lastVersion(rows: readonly LoadRow[]): number {
  return safeInteger((rows.at(-1) as LoadRow)[0], 'version')
}

function torn(how: Folding, version: number, rows: readonly LoadRow[]): InvalidStateError {
  return new InvalidStateError(
    `Stream ${JSON.stringify(how.id)} has a hole behind version ${version}: ${rows.length} events lead to version ` +
      `${lastVersion(rows)}. Look at it with events.verify(), and restore what is missing.`,
  )
}
