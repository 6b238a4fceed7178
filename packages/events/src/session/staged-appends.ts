import { InvalidArgumentError, RillflowError, uuidV7, type Context, type TransactionScope } from '@rillflow/core'
import { appendEvents, type AppendResult } from '../append/append-events.js'
import { checkText } from '../append/check-text.js'
import { encodeExpected, type ExpectedVersion } from '../append/expected-version.js'
import { prepareAppend, type AppendOptions, type PreparedAppend } from '../append/prepare-append.js'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { NewEvent } from '../event.js'
import { combineExpected } from './combine-expected.js'

interface StagedAppend {
  readonly streamId: string
  readonly events: readonly NewEvent[]
  readonly options: AppendOptions
}

/** The appends of one session, in the order in which they were staged. */
export class StagedAppends {
  readonly #registry: EventRegistry
  #staged: readonly StagedAppend[] = []
  #flushed = 0

  constructor(registry: EventRegistry) {
    this.#registry = registry
  }

  get pending(): number {
    return this.#staged.length
  }

  stage(streamId: string, events: readonly NewEvent[], options: AppendOptions): void {
    checkText('streamId', streamId)
    encodeExpected(options.expected ?? 'any')
    if (!Array.isArray(events) || events.length === 0) {
      throw new InvalidArgumentError('events', 'events must be an array of at least one event.')
    }
    // The ids are given now: a save that is repeated after an unknown outcome must write the same events.
    const identified = events.map((event) => ({ ...event, id: event.id ?? uuidV7() }))
    const staged = [...this.#staged, { streamId, events: identified, options }]
    expectedOf(staged.filter((append) => append.streamId === streamId))
    this.#staged = staged
  }

  /** Writes what is staged, one append for each stream; the first conflict is thrown, and the transaction undoes all. */
  async flush(scope: TransactionScope): Promise<readonly AppendResult[]> {
    const staged = this.#staged
    this.#flushed = staged.length
    if (staged.length === 0) return []
    const prepared = await this.#prepare(staged, scope.context())
    const { schema } = await scope.target()
    const outcomes = await appendEvents(scope, schema, prepared)
    return outcomes.map((outcome) => {
      if (outcome instanceof RillflowError) throw outcome
      return outcome
    })
  }

  /** Lets go of what the last flush wrote; what was staged since then stays. */
  committed(): void {
    this.#staged = this.#staged.slice(this.#flushed)
    this.#flushed = 0
  }

  clear(): void {
    this.#staged = []
    this.#flushed = 0
  }

  async #prepare(staged: readonly StagedAppend[], context: Context): Promise<readonly PreparedAppend[]> {
    const byStream = new Map<string, StagedAppend[]>()
    for (const append of staged) {
      const before = byStream.get(append.streamId)
      if (before === undefined) byStream.set(append.streamId, [append])
      else before.push(append)
    }
    return Promise.all([...byStream.values()].map((appends) => this.#prepareStream(appends, context)))
  }

  /** One append of all those to one stream. */
  async #prepareStream(appends: readonly StagedAppend[], context: Context): Promise<PreparedAppend> {
    const expected = expectedOf(appends)
    const prepared = await Promise.all(appends.map((append) => prepareAppend(this.#registry, { ...append, context })))
    return {
      ...(prepared[0] as PreparedAppend),
      expected,
      eventIds: prepared.flatMap((one) => one.eventIds),
      events: prepared.map((one) => one.events).join(','),
    }
  }
}

/** What the appends to one stream expect together. */
function expectedOf(appends: readonly StagedAppend[]): ExpectedVersion {
  let expected: ExpectedVersion | undefined
  let count = 0
  for (const { options, events, streamId } of appends) {
    const next = options.expected ?? 'any'
    expected = count === 0 ? next : combineExpected(expected as ExpectedVersion, next, count)
    if (expected === undefined) {
      throw new InvalidArgumentError(
        'expected',
        `Stream ${JSON.stringify(streamId)}: expected ${next} contradicts what an append staged earlier in this session expects.`,
      )
    }
    count += events.length
  }
  return expected ?? 'any'
}
