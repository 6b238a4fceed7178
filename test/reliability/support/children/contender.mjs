// Appends to one stream from several concurrent callers, again after each error that says to, within a budget.
import { isRillflowError } from '@rillflow/core'
import { openStore } from './open-store.mjs'
import { recordTo } from './record-file.mjs'
import { runChild } from './run-child.mjs'

runChild(async (job, parent) => {
  const store = openStore({ ...job, connections: job.callers })
  const record = recordTo(job.file)
  const errors = []
  await Promise.all(Array.from({ length: job.callers }, () => store.events.head()))
  await parent.ready()
  const caller = async (_, index) => {
    // Half of the callers stay outside the batches that the store makes of concurrent appends.
    const append = index % 2 === 0 ? appendAlone(store) : appendInTransaction(store)
    let expected = job.expected === 'version' ? 0 : 'any'
    for (let number = 0; number < job.appends; number += 1) {
      const result = await appendWithin(job.budget, append, { streamId: job.streamId, expected, errors })
      if (job.expected === 'version') expected = result.version
      const { streamId, version, position, eventIds } = result
      record([{ outcome: 'acknowledged', appends: [{ streamId, version, position, ids: eventIds }] }])
    }
  }
  await Promise.all(Array.from({ length: job.callers }, caller))
  await store.close()
  return { errors: [...new Set(errors)] }
})

function appendAlone(store) {
  return (...call) => store.events.append(...call)
}

function appendInTransaction(store) {
  return (...call) => store.transaction((tx) => tx.events.append(...call))
}

async function appendWithin(budget, append, { streamId, expected, errors }) {
  let wanted = expected
  for (let attempt = 0; attempt < budget; attempt += 1) {
    try {
      return await append(streamId, [{ type: 'Placed', data: {} }], { expected: wanted })
    } catch (error) {
      errors.push(isRillflowError(error) ? error.code : `raw ${error?.code ?? error}`)
      if (isRillflowError(error, 'VersionConflict')) wanted = error.actual
      else if (!isRillflowError(error) || !error.retryable) throw error
    }
  }
  throw new Error(`no append succeeded in ${budget} attempts: ${errors.at(-1)}`)
}
