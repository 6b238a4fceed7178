import { expect, test } from 'vitest'
import { newSeed, Random } from './fixtures/random.js'
import { exactlyOnce } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const workers = 4
const partitions = 4
const writers = 16
const streams = 40
const appends = long ? 10_000 : 800
const kills = long ? 60 : 6
const seed = newSeed()
const workplace = useWorkplace()

test(`I4: ${workers} processes share ${partitions} partitions while ${writers} writers append and ${kills} are killed`, async () => {
  const random = new Random(seed)
  await using run = await workplace.newRun({ partitions })
  for (let worker = 0; worker < workers; worker += 1) run.start({ partitions })
  let begun = 0
  let events = 0
  const write = async (): Promise<void> => {
    while (begun < appends) {
      begun += 1
      const records = Array.from({ length: random.between(1, 3) }, () => ({}))
      events += records.length
      await run.append(`stream-${random.between(1, streams)}`, records)
    }
  }
  const writing = Promise.all(Array.from({ length: writers }, write))
  // It is looked at below; a failure must not go unheard before that.
  writing.catch(() => undefined)
  for (let kill = 1; kill <= kills; kill += 1) {
    // The last of them well before the end.
    await run.untilEffects(Math.floor((appends * kill) / (kills + 1)))
    await (await run.busyConsumer()).kill()
    run.start({ partitions })
  }
  await writing
  await run.untilEffects(events)
  await run.untilCaughtUp()
  expect(await run.problems()).toEqual(exactlyOnce)
  expect(await run.letters()).toEqual([])
  // Each that was killed had worked, and somebody has come to the end.
  expect(new Set((await run.effects()).map(({ worker }) => worker)).size).toBeGreaterThan(kills)
}, 900_000)
