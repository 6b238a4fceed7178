// Writes at random from several concurrent callers and records what the store answered to each attempt.
import { openStore } from './open-store.mjs'
import { performAttempt } from './perform-attempt.mjs'
import { planAttempt } from './plan-attempt.mjs'
import { Random } from './random.mjs'
import { recordTo } from './record-file.mjs'
import { runChild } from './run-child.mjs'

runChild(async (job, parent) => {
  const store = openStore({ ...job, connections: job.callers })
  const record = recordTo(job.file)
  const random = new Random(job.seed)
  // One connection each, so that no caller's first attempt waits for a handshake.
  await Promise.all(Array.from({ length: job.callers }, () => store.events.head()))
  await parent.ready()
  let begun = 0
  const caller = async () => {
    while (begun < job.attempts) {
      const plan = planAttempt(random, { ...job, number: `${job.name}-${begun++}` })
      record([await performAttempt(store, plan)])
    }
  }
  await Promise.all(Array.from({ length: job.callers }, caller))
  await store.close()
})
