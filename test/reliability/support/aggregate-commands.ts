import assert from 'node:assert/strict'
import type { Loaded, SnapshotTaken } from '@rillflow/aggregates'
import fc from 'fast-check'
import type { EventModel, ModelAppend, ModelEvent } from './event-model.js'
import { anyId, anyNumber, command, event, outcomeOf, type Command, type Real } from './model-command.js'
import { every, tallies, type Shape, type Tally } from './model-store.js'
import { foldOf } from './snapshot-model.js'

const anyShape = fc.constantFrom<Shape>(1, 2)
const ways = ['store', 'transaction', 'session', 'undone transaction'] as const

interface Execution {
  readonly streamId: string
  readonly shape: Shape
  readonly numbers: readonly number[]
  readonly way: (typeof ways)[number]
}

interface Executed {
  readonly loaded: Loaded<Tally>
  readonly position: number | undefined
  /** The snapshots that were taken, where that is told. */
  readonly taken?: readonly SnapshotTaken[]
}

/** The aggregate after these events. */
function loadedFrom(id: string, shape: Shape, events: readonly ModelEvent[]): Loaded<Tally> {
  return { id, state: foldOf(shape, events), version: events.length, exists: events.length > 0 }
}

const only = ({ id, state, version, exists }: Loaded<Tally>): Loaded<Tally> => ({ id, state, version, exists })

async function executeBy({ store }: Real, execution: Execution, before: Loaded<Tally>): Promise<Executed> {
  const { streamId, shape, numbers, way } = execution
  const tally = tallies[shape]
  const decide = (_: unknown, seen: object): ReturnType<typeof event>[] => {
    assert.deepEqual(only(seen as Loaded<Tally>), before)
    return numbers.map(event)
  }
  if (way === 'store') {
    const executed = await store.aggregates.execute(tally, streamId, decide)
    return { loaded: only(executed), position: executed.position }
  }
  if (way === 'transaction') {
    const executed = await store.transaction((tx) => tx.aggregates.execute(tally, streamId, decide))
    return { loaded: only(executed), position: executed.position }
  }
  if (way === 'session') {
    const session = store.session()
    const loaded = only(await session.aggregates.execute(tally, streamId, decide))
    const saved = await session.saveChanges()
    return { loaded, position: saved.events[0]?.position, taken: saved.aggregates }
  }
  let executed: Executed | undefined
  const undone = store.transaction(async (tx) => {
    const { position, ...loaded } = await tx.aggregates.execute(tally, streamId, decide)
    executed = { loaded: only(loaded), position }
    throw new Error('undone')
  })
  // A refusal is told as it is.
  await undone.catch((error: Error) => (error.message === 'undone' ? undefined : Promise.reject(error)))
  return executed as unknown as Executed
}

/** Holds an execution against the model, and takes over what was written. */
async function expectExecuted(model: EventModel, real: Real, execution: Execution): Promise<void> {
  const { streamId, shape, numbers, way } = execution
  const events = model.visible(streamId)
  const from = events.length
  noteLoad(model, real, { streamId, shape, to: from })
  const told = await outcomeOf(executeBy(real, execution, loadedFrom(streamId, shape, events)))
  const append: ModelAppend = { streamId, numbers, expected: from === 0 ? 'noStream' : from, key: undefined }
  // A decision without events asks nobody whether the stream takes any.
  const foreseen = numbers.length === 0 ? { version: from } : model.foresee(append)
  if ('code' in foreseen || 'code' in told) return assert.deepEqual(told, foreseen)
  const news = numbers.map((n, index) => ({ streamId, version: from + index + 1, n, position: 0 }))
  assert.deepEqual(told.loaded, loadedFrom(streamId, shape, [...events, ...news]))
  assert.equal(told.position !== undefined, numbers.length > 0)
  const isDue = model.snapshots.isDue(from, foreseen.version)
  const due = isDue ? [{ aggregate: 'tally', id: streamId, version: foreseen.version }] : []
  assert.deepEqual(told.taken ?? due, due)
  if (way === 'undone transaction' || told.position === undefined) return
  model.append(append, told.position)
  if (!isDue) return
  model.snapshots.take(streamId, shape, foreseen.version)
  real.tried.takenByCommits += 1
}

/** Counts the load by what snapshot it finds. */
function noteLoad(
  model: EventModel,
  { tried }: Real,
  { streamId, shape, to }: { readonly streamId: string; readonly shape: Shape; readonly to: number },
): void {
  const row = model.snapshots.rows.get(streamId)
  if (row === undefined || row.version > to) return
  if (row.lost) tried.lostSnapshots += 1
  else if (row.shape === shape) tried.ownSnapshots += 1
  else if (row.shape < shape) tried.staleSnapshots += 1
  else tried.newerSnapshots += 1
}

interface Taking {
  readonly shape: Shape
  readonly threshold: number | undefined
  readonly batch: number | undefined
}

/** Holds what a snapshotter reports against the model, and takes over what it has taken. */
async function expectTaken(model: EventModel, real: Real, { shape, ...options }: Taking): Promise<void> {
  const { threshold = every } = options
  const candidates = model.snapshots.candidates(model.openVersions(), shape, threshold)
  // Streams of the runs before lie before the prefix.
  const report = await real.store.aggregates.snapshots.takeAll(tallies[shape], { ...options, after: real.prefix })
  assert.deepEqual(report, {
    candidates: candidates.length,
    taken: candidates.length,
    largestGap: Math.max(0, ...candidates.map(({ gap }) => gap)),
    last: candidates.at(-1)?.streamId,
    failed: [],
  })
  for (const { streamId, version } of candidates) model.snapshots.take(streamId, shape, version)
  real.tried.takenBySnapshotter += candidates.length
}

const losses = {
  'drop snapshot': async ({ snapshots }: EventModel, { pool, schema }: Real, id: string) => {
    await pool.query(`delete from "${schema}".snapshots where stream_id = $1`, [id])
    snapshots.rows.delete(id)
  },
  // What is there when a stream was lost and came to the version again, with other events.
  'lose the event of a snapshot': async ({ snapshots }: EventModel, { pool, schema }: Real, id: string) => {
    const lost = `update "${schema}".snapshots set event_id = gen_random_uuid(), state = '{"of": "others"}' where stream_id = $1`
    await pool.query(lost, [id])
    const row = snapshots.rows.get(id)
    if (row !== undefined) snapshots.rows.set(id, { ...row, lost: true })
  },
}

const execution: fc.Arbitrary<Command> = fc
  .record({
    way: fc.constantFrom(...ways),
    streamId: anyId,
    shape: anyShape,
    numbers: fc.array(anyNumber, { maxLength: 4 }),
  })
  .map((args) =>
    command('execute', args, async (model, real) => {
      await expectExecuted(model, real, { ...args, streamId: real.prefix + args.streamId })
    }),
  )

/** What a run may do with an aggregate over its streams, and with the snapshots of it. */
export const aggregateCommands: fc.Arbitrary<Command>[] = [
  fc.record({ streamId: anyId, shape: anyShape, to: fc.option(fc.nat({ max: 12 }), { nil: undefined }) }).map((read) =>
    command(read.to === undefined ? 'load' : 'loadAt', read, async (model, real) => {
      const { shape, to } = read
      const streamId = real.prefix + read.streamId
      const events = model.visible(streamId).slice(0, to)
      noteLoad(model, real, { streamId, shape, to: events.length })
      const { aggregates } = real.store
      const loading =
        to === undefined
          ? aggregates.load(tallies[shape], streamId)
          : aggregates.loadAt(tallies[shape], streamId, { version: to })
      assert.deepEqual(await loading, loadedFrom(streamId, shape, events))
    }),
  ),
  execution,
  // Twice as often as others: without events there is nothing to take a snapshot of.
  execution,
  fc
    .record({
      shape: anyShape,
      threshold: fc.constantFrom(undefined, 1, 2, 5),
      batch: fc.constantFrom(undefined, 1, 2),
    })
    .map((taking) => command('takeAll', taking, (model, real) => expectTaken(model, real, taking))),
  fc
    .tuple(fc.constantFrom('drop snapshot', 'lose the event of a snapshot'), anyId)
    .map(([loss, streamId]) =>
      command(loss, { streamId }, (model, real) => losses[loss](model, real, real.prefix + streamId)),
    ),
]
