import { expect, test } from 'vitest'
import { until } from '../../../test/reliability/support/processes/until.js'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import type { Job } from './fixtures/jobs.js'
import type { Run } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const kills = isLong ? 18 : 3
const accounts = 3
const seed = chooseSeed()
const workplace = useWorkplace()

const places = ['after append', 'after load', 'after lock_keys', 'after write', 'while commit', 'after commit']

test.concurrent(
  `I6: 8 callers in two processes, one of them killed ${kills} times: inline projections are the fold at every look`,
  async () => {
    const random = new Choices(seed)
    await using run = await workplace.newRun({ modes: ['inline'] })
    const appending = { callers: 4, times: Number.MAX_SAFE_INTEGER, accounts, pause: isLong ? 20 : 1 }
    const start = (makes: boolean, points: Job['points'] = []) =>
      run.start({ task: 'append', appending: { ...appending, makes, seed: random.between(1, 1_000_000) }, points })
    const steady = start(false)
    await steady.ready()
    let looks = 0
    const expectFold = async (): Promise<number> => {
      const { problems, events } = await run.look()
      expect(problems).toEqual([])
      looks += 1
      return events
    }
    const deaths = random.shuffle(places)
    for (let kill = 0; kill < kills; kill += 1) {
      const place = deaths[kill % deaths.length] as string
      // It makes new accounts too: keys are locked for those alone.
      const victim = start(true, [{ place, nth: random.between(1, 20), deed: 'die' }])
      while (victim.isAlive) await expectFold()
      await victim.died(`at "${place}"`)
      const before = await expectFold()
      // What it held, others have now.
      await until('appends go on', async () => (await expectFold()) > before)
    }
    await steady.end()
    await expectFold()
    expect(looks).toBeGreaterThan(kills)
  },
  isLong ? 1_200_000 : 300_000,
)

/** What is wrong after two have made a document of one key at once. */
async function makeOneTwice(mistake: Job['mistake']): Promise<readonly string[]> {
  await using run = await workplace.newRun({ modes: ['inline'] })
  const appending = { callers: 1, times: 1, accounts: 1, pause: 0, seed }
  const place = 'before commit'
  const points = [{ place, nth: 1, deed: 'wait' }] as const
  const first = run.start({ task: 'append', appending, mistake, points })
  await first.reached(place)
  const second = run.start({ task: 'append', appending, mistake })
  await untilSomebodyWaits(run)
  first.goOn()
  await Promise.all([first.report(), second.report()])
  return run.problems()
}

async function untilSomebodyWaits({ pool, schema }: Run): Promise<void> {
  await until('the other one waits', async () => {
    const { rowCount } = await pool.query(
      'select from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and application_name = $1',
      [schema],
    )
    return (rowCount ?? 0) > 0
  })
}

test.concurrent(
  'I6: two that make an inline document of one key at once: the second goes on from the first',
  async () => {
    expect(await makeOneTwice(undefined)).toEqual([])
  },
  300_000,
)

test.concurrent(
  'I6: inline projections without locks on their keys are caught: what the first has made is lost',
  async () => {
    expect(await makeOneTwice('no key locks')).not.toEqual([])
  },
  300_000,
)
