import assert from 'node:assert/strict'
import type { ExpectedVersion, ReadStreamOptions } from '@rillflow/events'
import fc from 'fast-check'
import { aggregateCommands } from './aggregate-commands.js'
import type { EventModel, ModelAppend, ModelEvent } from './event-model.js'
import {
  anyId,
  anyNumber,
  command,
  event,
  ids,
  outcomeOf,
  type Command,
  type Real,
  type Refusal,
} from './model-command.js'
import type { ModelStore } from './model-store.js'

type Told = { readonly version: number; readonly position: number } | Refusal

const placeOf = (work: Promise<{ readonly version: number; readonly position: number }>): Promise<Told> =>
  outcomeOf(work.then(({ version, position }) => ({ version, position })))

const ways = ['store', 'transaction', 'session'] as const

async function appendBy(store: ModelStore, way: (typeof ways)[number], append: ModelAppend): Promise<Told> {
  const { streamId, numbers, expected, key } = append
  const events = numbers.map(event)
  const options = { expected, idempotencyKey: key }
  if (way === 'store') return placeOf(store.events.append(streamId, events, options))
  if (way === 'transaction') return placeOf(store.transaction((tx) => tx.events.append(streamId, events, options)))
  const session = store.session()
  session.events.append(streamId, events, options)
  return placeOf(session.saveChanges().then((saved) => saved.events[0] as (typeof saved.events)[number]))
}

/** Holds what was told against the model, and takes over what was written. */
function expectForeseen(model: EventModel, append: ModelAppend, told: Told): void {
  const foreseen = model.foresee(append)
  if ('code' in foreseen || 'code' in told) return assert.deepEqual(told, foreseen)
  const { position } = told
  if (foreseen.position !== 'new') return assert.deepEqual(told, foreseen)
  assert.deepEqual(told, { ...foreseen, position })
  model.append(append, position)
}

const anyExpected: fc.Arbitrary<ExpectedVersion> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<ExpectedVersion>('any', 'noStream', 'streamExists') },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 12 }) },
)
const anyAppend = fc.record({
  streamId: anyId,
  numbers: fc.array(anyNumber, { minLength: 1, maxLength: 4 }),
  expected: anyExpected,
  key: fc.option(fc.constantFrom('k-1', 'k-2'), { nil: undefined }),
})
const anyWay = fc.constantFrom(...ways)
const anyVersion = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined })
const anyDirection = fc.constantFrom('forward' as const, 'backward' as const)
const anyLimit = fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined })

const inRun = (real: Real, append: ModelAppend): ModelAppend => ({ ...append, streamId: real.prefix + append.streamId })

const brief = (events: readonly { streamId: string; version: number; position: number; data: unknown }[]): unknown =>
  events.map(({ streamId, version, position, data }) => ({ streamId, version, position, n: (data as { n: number }).n }))

const inOrder = (events: readonly ModelEvent[], { direction, limit }: ReadStreamOptions): readonly ModelEvent[] =>
  (direction === 'backward' ? events.toReversed() : events).slice(0, limit)

/** Everything that a run may do; each holds what the store answers against the model. */
export const commands: fc.Arbitrary<Command>[] = [
  fc.tuple(anyWay, anyAppend).map(([way, append]) =>
    command(`append by ${way}`, append, async (model, real) => {
      const wanted = inRun(real, append)
      expectForeseen(model, wanted, await appendBy(real.store, way, wanted))
    }),
  ),
  fc.array(anyAppend, { minLength: 2, maxLength: 6 }).map((appends) =>
    command('append at once', appends, async (model, real) => {
      const wanted = appends.map((append) => inRun(real, append))
      const told = await Promise.all(wanted.map((append) => appendBy(real.store, 'store', append)))
      // Those to one stream apply in the order in which they came; those to others do not touch each other.
      for (const [index, append] of wanted.entries()) expectForeseen(model, append, told[index] as Told)
    }),
  ),
  anyAppend.map((append) =>
    command('roll back', append, async (_, real) => {
      const { streamId, numbers, key } = inRun(real, append)
      const undone = real.store.transaction(async (tx) => {
        await tx.events.append(streamId, numbers.map(event), { idempotencyKey: key }).catch(() => undefined)
        throw new Error('undone')
      })
      await assert.rejects(undone, /undone/)
    }),
  ),
  fc
    .record({
      streamId: anyId,
      from: anyVersion,
      to: anyVersion,
      direction: anyDirection,
      limit: anyLimit,
      pageSize: fc.constantFrom(1, 2, 5),
      tombstoned: fc.constantFrom('include' as const, 'exclude' as const, undefined),
    })
    .map(({ streamId, ...options }) =>
      command('readStream', { streamId, ...options }, async (model, real) => {
        const stream = model.streams.get(real.prefix + streamId)
        const hidden = stream?.tombstoned === true && options.tombstoned !== 'include'
        const { from = 1, to = Number.MAX_SAFE_INTEGER } = options
        const within = (stream?.events ?? []).filter(({ version }) => version >= from && version <= to)
        const expected = hidden ? [] : inOrder(within, options)
        const reader = real.store.events.readStream(real.prefix + streamId, options)
        assert.deepEqual(brief(await reader.toArray()), expected)
        assert.deepEqual(brief(await collect(reader)), expected)
      }),
    ),
  fc
    .record({ skip: fc.integer({ min: 0, max: 30 }), direction: anyDirection, limit: anyLimit, of: fc.subarray(ids) })
    .map((read) =>
      command('readAll', read, async (model, real) => {
        const after = model.log[read.skip]?.position ?? real.begin
        const wanted = read.of.map((id) => real.prefix + id)
        const expected = inOrder(
          model.log.filter(({ position, streamId }) => {
            return position > after && (wanted.length === 0 || wanted.includes(streamId))
          }),
          read,
        )
        const filter = wanted.length === 0 ? undefined : { streamIds: wanted }
        const { direction, limit } = read
        const reader = real.store.events.readAll({ after, direction, limit, filter, pageSize: 3 })
        assert.deepEqual(brief(await reader.toArray()), expected)
        assert.deepEqual(brief(await collect(reader)), expected)
      }),
    ),
  fc.tuple(fc.constantFrom('archive', 'unarchive', 'tombstone'), anyId, fc.integer({ min: 0, max: 3 })).map(
    // A tombstone is for good, so most runs should have few of them.
    ([action, streamId, luck]) => {
      const chosen = action === 'tombstone' && luck > 0 ? 'unarchive' : action
      return command(chosen, { streamId }, async (model, real) => {
        const id = real.prefix + streamId
        const work = {
          archive: () => real.store.events.archiveStream(id),
          unarchive: () => real.store.events.unarchiveStream(id),
          tombstone: () => real.store.events.tombstoneStream(id),
        }[chosen]
        const told = await outcomeOf(work().then(({ version }) => ({ version })))
        const code = model.close(chosen, id)
        const version = model.streams.get(id)?.events.length
        assert.deepEqual(told, code === undefined ? { version } : { code })
      })
    },
  ),
  anyId.map((streamId) =>
    command('streamInfo', { streamId }, async (model, real) => {
      const id = real.prefix + streamId
      const stream = model.streams.get(id)
      const info = await real.store.events.streamInfo(id)
      assert.equal(info?.version, stream?.events.length)
      assert.equal(info?.archivedAt !== undefined, stream?.archived ?? false)
      assert.equal(info?.tombstonedAt !== undefined, stream?.tombstoned ?? false)
      assert.equal(await real.store.events.streamExists(id), stream !== undefined && !stream.tombstoned)
    }),
  ),
  fc.tuple(fc.constantFrom('x', 'y'), anyId, fc.boolean()).map(([alias, streamId, create]) =>
    command('alias', { alias, streamId, create }, async (model, real) => {
      const name = real.prefix + alias
      assert.equal(await real.store.events.findAlias(name), model.aliases.get(name))
      if (!create) return
      const resolved = await real.store.events.resolveAlias(name, { create: () => real.prefix + streamId })
      if (!model.aliases.has(name)) model.aliases.set(name, real.prefix + streamId)
      assert.equal(resolved, model.aliases.get(name))
    }),
  ),
  ...aggregateCommands,
]

async function collect<Event>(events: AsyncIterable<Event>): Promise<readonly Event[]> {
  const seen: Event[] = []
  for await (const one of events) seen.push(one)
  return seen
}
