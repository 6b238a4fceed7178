import { InvalidArgumentError, RillflowError, uuidV7, type Context, type TransactionScope } from '@rillflow/core'
import { appendMany, type AppendOutcome } from '../append/append-events.js'
import type { AppendHooks } from '../append/append-hooks.js'
import { appendReading } from '../append/append-reading.js'
import type { AppendResult } from '../append/append-result.js'
import { checkEvents } from '../append/check-events.js'
import { checkText } from '../append/check-text.js'
import { encodeExpected, type ExpectedVersion } from '../append/expected-version.js'
import { prepareAppend, type AppendOptions, type PreparedAppend } from '../append/prepare-append.js'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { NewEvent } from '../event.js'
import { combineExpected } from './combine-expected.js'

/** An append that waits for its session to be saved. */
export interface StagedAppend<Event extends NewEvent = NewEvent> {
  readonly streamId: string
  readonly events: readonly Event[]
  readonly options: AppendOptions
}

/** The appends of one session, in the order in which they were staged. */
export class StagedAppends {
  readonly #registry: EventRegistry
  readonly #hooks: AppendHooks
  #staged: readonly StagedAppend[] = []
  #flushed = 0
  #prepared: readonly PreparedAppend[] = []

  constructor(registry: EventRegistry, hooks: AppendHooks) {
    this.#registry = registry
    this.#hooks = hooks
  }

  get pending(): number {
    return this.#staged.length
  }

  /** What is staged for a stream, in order. */
  appendsTo(streamId: string): readonly StagedAppend[] {
    return this.#staged.filter((append) => append.streamId === streamId)
  }

  stage(streamId: string, events: readonly NewEvent[], options: AppendOptions): void {
    checkText('streamId', streamId)
    if (options.expected !== undefined) encodeExpected(options.expected)
    checkEvents(events)
    // The ids are given now: a save that is repeated after an unknown outcome must write the same events.
    const identified = events.map((event) => ({ ...event, id: event.id ?? uuidV7() }))
    const staged = [...this.#staged, { streamId, events: identified, options }]
    combine(staged.filter((append) => append.streamId === streamId))
    this.#staged = staged
  }

  /** Validates what is staged, and fixes what the coming save writes. */
  async prepare(context: Context): Promise<void> {
    const staged = this.#staged
    this.#flushed = staged.length
    const requests = rebase(staged).map((append) => prepareAppend(this.#registry, { ...append, context }))
    this.#prepared = await Promise.all(requests)
  }

  /** Writes what was prepared, in one statement; the first conflict is thrown, and the transaction undoes all. */
  async flush(scope: TransactionScope, schema: string): Promise<readonly AppendResult[]> {
    const appends = this.#prepared
    if (appends.length === 0) return []
    const batch = { schema, appends, notify: false, inTransaction: true }
    if (!this.#hooks.wantsAny(appends)) return allOf(await appendMany(scope, batch))
    const read = await appendReading(scope, batch, this.#hooks)
    const results = allOf(read.outcomes)
    await this.#hooks.run(scope, read)
    return results
  }

  /** Lets go of what the last save wrote; what was staged since then stays. */
  committed(): void {
    const flushed = groupByStream(this.#staged.slice(0, this.#flushed))
    this.#staged = this.#staged.slice(this.#flushed).map((append) => behind(append, flushed.get(append.streamId) ?? []))
    this.#flushed = 0
    this.#prepared = []
  }

  clear(): void {
    this.#staged = []
    this.#flushed = 0
    this.#prepared = []
  }
}

function allOf(outcomes: readonly AppendOutcome[]): readonly AppendResult[] {
  return outcomes.map((outcome) => {
    if (outcome instanceof RillflowError) throw outcome
    return outcome
  })
}

/**
 * The first append to a stream carries what all of them expect of it; from then on the transaction holds the stream, so
 * the later ones cannot conflict.
 */
function rebase(staged: readonly StagedAppend[]): readonly StagedAppend[] {
  const expectations = new Map<string, ExpectedVersion>()
  for (const [streamId, appends] of groupByStream(staged)) expectations.set(streamId, combine(appends))
  return staged.map((append) => {
    const expected = expectations.get(append.streamId) ?? 'any'
    expectations.delete(append.streamId)
    return { ...append, options: { ...append.options, expected } }
  })
}

/**
 * An append that was staged while the save was under way may expect the version from before it; the save has led the
 * stream on from there.
 */
function behind(append: StagedAppend, flushed: readonly StagedAppend[]): StagedAppend {
  if (flushed.length === 0 || append.options.expected === undefined) return append
  const before = versionOf(combine(flushed))
  if (before === undefined || versionOf(append.options.expected) !== before) return append
  const expected = before + flushed.reduce((count, { events }) => count + events.length, 0)
  return { ...append, options: { ...append.options, expected } }
}

/** The version that an expectation names; undefined for one that names none. */
function versionOf(expected: ExpectedVersion): number | undefined {
  if (expected === 'noStream') return 0
  return typeof expected === 'number' ? expected : undefined
}

function groupByStream(staged: readonly StagedAppend[]): ReadonlyMap<string, readonly StagedAppend[]> {
  const groups = new Map<string, StagedAppend[]>()
  for (const append of staged) {
    const group = groups.get(append.streamId)
    if (group === undefined) groups.set(append.streamId, [append])
    else group.push(append)
  }
  return groups
}

/** What the appends to one stream expect together. */
function combine(appends: readonly StagedAppend[]): ExpectedVersion {
  let expected: ExpectedVersion | undefined
  let count = 0
  const keys = new Set<string>()
  for (const { options, events, streamId } of appends) {
    const next = options.expected ?? 'any'
    expected = count === 0 ? next : combineExpected(expected as ExpectedVersion, next, count)
    if (expected === undefined) throw contradiction(streamId, next)
    count += events.length
    if (options.idempotencyKey === undefined) continue
    if (keys.has(options.idempotencyKey)) throw repeatedKey(streamId)
    keys.add(options.idempotencyKey)
  }
  return expected ?? 'any'
}

function contradiction(streamId: string, expected: ExpectedVersion): InvalidArgumentError {
  return new InvalidArgumentError(
    'expected',
    `Stream ${JSON.stringify(streamId)}: expected ${expected} contradicts what an append staged earlier in this session expects.`,
  )
}

function repeatedKey(streamId: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'idempotencyKey',
    `Stream ${JSON.stringify(streamId)}: an append staged earlier in this session has the same idempotency key.`,
  )
}
