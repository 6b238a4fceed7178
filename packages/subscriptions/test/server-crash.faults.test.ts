import { expect, test } from 'vitest'
import { newSeed, Random } from './fixtures/random.js'
import { until } from './fixtures/until.js'
import { exactlyOnce } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const crashes = long ? 20 : 2
const writers = 8
const seed = newSeed()
const workplace = useWorkplace()

test(`R4: the server is killed ${crashes} times under load: consumers go on by themselves, each event once`, async () => {
  const random = new Random(seed)
  await using run = await workplace.newRun({ partitions: 2 })
  const workers = [run.start(), run.start()]
  await Promise.all(workers.map((worker) => worker.ready()))
  const over = new AbortController()
  const write = async (writer: number): Promise<void> => {
    while (!over.signal.aborted) await run.appendSurely(`stream-${writer}`, [{}, {}])
  }
  const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  // It is looked at below; a failure must not go unheard before that.
  writing.catch(() => undefined)
  const answered = async (): Promise<number> => run.countEffects().catch(() => 0)
  for (let crash = 0; crash < crashes; crash += 1) {
    const more = (await answered()) + random.between(20, 60)
    await until('consumers go on', async () => (await answered()) >= more)
    await workplace.server.kill()
    await workplace.server.restart()
    await until('the server answers', async () => (await answered()) > 0)
  }
  over.abort()
  await writing
  await run.untilCaughtUp()
  expect(await run.problems()).toEqual(exactlyOnce)
  expect(workers.map(({ isAlive }) => isAlive)).toEqual([true, true])
  expect(await run.letters()).toEqual([])
  for (const worker of workers) {
    worker.terminate()
    await worker.report()
  }
}, 600_000)
