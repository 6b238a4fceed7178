import { expect, test } from 'vitest'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import { kinds, type Kind } from './fixtures/ledger.js'
import type { NewPayment, Run } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const perStream = 20
const streams = isLong ? 500 : 100
/** As many appends make up each stream, so that streams lie among each other. */
const rounds = 4
const seed = chooseSeed()
const workplace = useWorkplace()

/** The ways to fail, and what is kept of each: by a handler of SQL, and by a fold, which can only throw. */
const ways = [
  { payment: { poison: 'throw' }, cause: { message: 'poison: throw' } },
  { payment: { poison: 'sql' }, cause: { code: 'DatabaseError' } },
  { payment: { poison: 'unique' }, cause: { code: 'UniqueViolation' } },
  { payment: { poison: 'timeout' }, cause: { code: 'QueryCanceled' } },
  { payment: { poison: 'endless' }, cause: { code: 'HandlerTimeout' } },
  { payment: { type: 'Renewed' }, cause: { code: 'EventTooNew' } },
  { payment: { poison: 'oversize' }, cause: { message: 'x'.repeat(2_000) } },
] as const

type Way = (typeof ways)[number]

function causeOf({ payment, cause }: Way, kind: Kind): object {
  if (kind === 'lines' || !('poison' in payment)) return cause
  if (payment.poison !== 'unique') return { message: `poison: ${payment.poison}` }
  return { code: kind === 'documents' ? 'UniqueConflict' : 'UniqueViolation' }
}

interface Poisoned {
  readonly streamId: string
  readonly version: number
  readonly way: Way
}

/** One event of a hundred, each in a stream of its own. */
function choosePoisoned(random: Choices): readonly Poisoned[] {
  const chosen = random.shuffle(Array.from({ length: streams }, (_, at) => at)).slice(0, (streams * perStream) / 100)
  return chosen.map((at, n) => ({
    streamId: `stream-${at}`,
    version: random.between(1, perStream),
    way: ways[n % ways.length] as Way,
  }))
}

async function appendAll(run: Run, poisoned: readonly Poisoned[]): Promise<void> {
  const step = perStream / rounds
  const paymentAt = (streamId: string, version: number): NewPayment =>
    poisoned.find((each) => each.streamId === streamId && each.version === version)?.way.payment ?? {}
  await run.append('holder', [{ tag: 'taken' }])
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      Array.from({ length: streams }, (_, at) => {
        const streamId = `stream-${at}`
        return run.append(
          streamId,
          Array.from({ length: step }, (_each, n) => paymentAt(streamId, round * step + n + 1)),
        )
      }),
    )
  }
}

test.concurrent.each(kinds)(
  `R9: 1 % of ${streams * perStream} events fail in ${ways.length} ways: parked once each, and requeued in order (%s)`,
  async (kind) => {
    const random = new Choices(seed + kinds.indexOf(kind))
    await using run = await workplace.newRun()
    const poisoned = choosePoisoned(random)
    await appendAll(run, poisoned)
    const job = { kinds: [kind], batchSize: 20, attempts: 2 }
    const broken = { ...job, broken: true }
    const dyingAt = (place: string, nth: number) => ({ points: [{ place, nth, deed: 'die' }] }) as const

    await run.start({ ...broken, ...dyingAt('fold', random.between(streams, streams * 5)) }).died('in the middle')
    await run.start({ ...broken, ...dyingAt('after write_dead_letters', 2) }).died('with a letter')
    expect(await run.problems()).toEqual([])
    await run.expireLeases()
    const last = run.start(broken)
    await run.untilCaughtUp([kind])
    await last.end()

    expect(await run.problems()).toEqual([])
    const letters = await run.letters(kind)
    const byStream = (one: { readonly streamId: string }, other: { readonly streamId: string }): number =>
      one.streamId < other.streamId ? -1 : 1
    const failed = letters.filter(({ waiting }) => !waiting).toSorted(byStream)
    expect(failed.map(({ streamId, error }) => ({ streamId, cause: error?.cause ?? error }))).toEqual(
      poisoned.toSorted(byStream).map(({ streamId, way }) => ({
        streamId,
        cause: expect.objectContaining(causeOf(way, kind)) as unknown,
      })),
    )
    const waiting = poisoned.reduce((sum, { version }) => sum + perStream - version, 0)
    expect(letters).toHaveLength(failed.length + waiting)

    expect(await run.requeueAll(kind)).toBe(letters.length)
    const settled = random.between(2, Math.max(2, Math.floor(waiting / 2)))
    await run.start({ ...job, ...dyingAt('after settle_letter', settled) }).died('with a letter put back')
    expect(await run.problems()).toEqual([])
    expect(await run.requeueAll(kind)).toBe((await run.letters(kind)).length)
    const mended = run.start(job)
    await run.untilSettled(kind)
    expect(await run.problems()).toEqual([])
    expect(await run.requeueAll(kind)).toBe(0)
    await run.untilCaughtUp([kind])
    await mended.end()
    expect(await run.problems()).toEqual([])
  },
  600_000,
)
