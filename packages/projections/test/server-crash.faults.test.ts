import { expect, test } from 'vitest'
import { until } from '../../../test/reliability/support/processes/until.js'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const crashes = isLong ? 20 : 2
const writers = 8
const seed = chooseSeed()
const workplace = useWorkplace()

test(`R4: the server is killed ${crashes} times under load: inline and async projections are the fold of their events`, async () => {
  const random = new Choices(seed)
  await using run = await workplace.newRun({ modes: ['inline', 'async'] })
  const workers = [run.start(), run.start()]
  await Promise.all(workers.map((worker) => worker.ready()))
  const over = new AbortController()
  const write = async (writer: number): Promise<void> => {
    while (!over.signal.aborted)
      await run.appendSurely(`stream-${writer}`, [{}, { to: [`stream-${writer}`, 'common'] }])
  }
  const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  // It is looked at below; a failure must not go unheard before that.
  writing.catch(() => undefined)
  const projected = async (): Promise<number> => {
    const { sizes } = await run.look().catch(() => ({ sizes: { lines: 0 } as Readonly<Record<string, number>> }))
    return sizes['lines'] ?? 0
  }
  for (let crash = 0; crash < crashes; crash += 1) {
    const more = (await projected()) + random.between(20, 60)
    await until('workers go on', async () => (await projected()) >= more)
    await workplace.server.kill()
    await workplace.server.restart()
    await until('the server answers', async () => (await projected()) > 0)
    expect(await run.problems()).toEqual([])
  }
  over.abort()
  await writing
  await run.untilCaughtUp()
  expect(await run.problems()).toEqual([])
  expect(workers.map(({ isAlive }) => isAlive)).toEqual([true, true])
  expect(await run.store.projections.deadLetters.list()).toEqual([])
  for (const worker of workers) {
    await worker.end()
  }
}, 600_000)
