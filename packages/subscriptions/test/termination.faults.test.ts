import { expect, test } from 'vitest'
import { newSeed, Random } from './fixtures/random.js'
import { exactlyOnce } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const times = long ? 200 : 20
const seed = newSeed()
const workplace = useWorkplace()

/** No lease of a worker that was told to end is waited for: one that is not released would last for an hour. */
const longLease = { duration: 3_600_000, poll: 1_000 }

test.concurrent(
  `R24: SIGTERM at ${times} random points: ends within 5 s, loses nothing, and releases its lease`,
  async () => {
    const random = new Random(seed)
    await using run = await workplace.newRun()
    for (let time = 0; time < times; time += 1) {
      await Promise.all([1, 2, 3].map((stream) => run.append(`stream-${stream}`, [{}, {}, {}, {}, {}])))
      const effects = random.pick(['inside', 'outside'] as const)
      const nth = random.between(1, effects === 'inside' ? 40 : 20)
      const worker = run.start({ effects, lease: longLease, points: [{ place: 'statement', nth, deed: 'end' }] })
      const { looks, ending } = await worker.report()
      expect(looks, 'the lease was free at the first look').toBeLessThanOrEqual(1)
      expect(ending, 'milliseconds from the signal to the end').toBeLessThanOrEqual(5_000)
      expect((await run.rows()).map(({ held }) => held)).toEqual([false])
    }
    const last = run.start({ lease: longLease })
    await run.untilCaughtUp()
    last.terminate()
    expect((await last.report()).looks).toBe(1)
    expect(await run.problems()).toEqual(exactlyOnce)
    expect(await run.letters()).toEqual([])
  },
  600_000,
)

test.concurrent.each(['handler', 'transaction'] as const)(
  'R24: SIGTERM while a handler never comes back (%s): the worker ends, and the event comes again at once',
  async (place) => {
    await using run = await workplace.newRun()
    await run.append('stream-1', [{}, {}])
    const worker = run.start({ lease: longLease, points: [{ place, nth: 2, deed: 'wait' }] })
    await worker.reached(place)
    worker.terminate()
    // The run is through, though a transaction that is left behind keeps the store from closing.
    await run.untilReleased()
    const next = run.start({ lease: longLease })
    await run.untilEffects(2)
    next.terminate()
    expect((await next.report()).looks).toBe(1)
    expect(await run.problems()).toEqual(exactlyOnce)
  },
  300_000,
)
