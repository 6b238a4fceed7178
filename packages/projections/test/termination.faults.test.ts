import { expect, test } from 'vitest'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import { longLease } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const times = isLong ? 200 : 15
const seed = chooseSeed()
const workplace = useWorkplace()

test(`R24: SIGTERM at ${times} random points: ends within 5 s, loses nothing, and releases its leases`, async () => {
  const random = new Choices(seed)
  await using run = await workplace.newRun()
  for (let time = 0; time < times; time += 1) {
    for (const stream of [1, 2, 3]) await run.append(`stream-${stream}`, [{}, {}, { to: ['common'] }, {}, {}])
    // A lease that is not released would last for an hour.
    const points = [{ place: 'statement', nth: random.between(1, 90), deed: 'end' }] as const
    const worker = run.start({ lease: longLease, batchSize: 5, points })
    expect((await worker.report()).ending, 'milliseconds from the signal to the end').toBeLessThanOrEqual(5_000)
    expect((await run.held()).filter((held) => held)).toEqual([])
    expect(await run.problems()).toEqual([])
  }
  const last = run.start({ lease: longLease })
  await run.untilCaughtUp()
  await last.end()
  expect((await run.held()).filter((held) => held)).toEqual([])
  expect(await run.problems()).toEqual([])
  expect(await run.store.projections.deadLetters.list()).toEqual([])
}, 600_000)
