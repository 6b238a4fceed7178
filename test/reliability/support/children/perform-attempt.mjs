class RollBack extends Error {}

/**
 * Does what was planned and returns the line for the record: `acknowledged` with what the store answered, `rolledBack`,
 * or `unknown` with the code of the error.
 */
export async function performAttempt(store, plan) {
  try {
    const results = await perform(store, plan)
    return { outcome: 'acknowledged', document: plan.document, appends: results.map(lineOf) }
  } catch (error) {
    const outcome = error instanceof RollBack ? 'rolledBack' : 'unknown'
    return { outcome, document: plan.document, appends: plan.appends.map(plannedLine), code: codeOf(error) }
  }
}

function perform(store, plan) {
  if (plan.session) return saveSession(store, plan)
  if (plan.document || plan.rollback || plan.abandoned || plan.holdMs || plan.appends.length > 1) {
    return store.transaction((tx) => transact(tx, plan))
  }
  const [{ streamId, events }] = plan.appends
  return store.events.append(streamId, events).then((result) => [result])
}

async function transact(tx, plan) {
  if (plan.document) {
    await tx.docs.notes.put(noteOf(plan))
    await pause(tx, plan.gapMs)
  }
  if (plan.abandoned) {
    await tx.sql`savepoint a`
    await tx.events.append(plan.abandoned.streamId, plan.abandoned.events)
    await tx.sql`rollback to savepoint a`
  }
  const results = []
  for (const { streamId, events } of plan.appends) results.push(await tx.events.append(streamId, events))
  await pause(tx, plan.holdMs)
  if (plan.rollback) throw new RollBack()
  return results
}

async function saveSession(store, plan) {
  const session = store.session()
  if (plan.document) session.docs.notes.store(noteOf(plan))
  for (const { streamId, events } of plan.appends) session.events.append(streamId, events)
  const saved = await session.saveChanges()
  return saved.events
}

function noteOf(plan) {
  return { id: plan.document, streams: plan.appends.map(({ streamId }) => streamId) }
}

async function pause(tx, milliseconds) {
  if (milliseconds > 0) await tx.sql`select pg_sleep(${milliseconds / 1_000}::double precision)`
}

function lineOf({ streamId, version, position, eventIds }) {
  return { streamId, version, position, ids: eventIds }
}

function plannedLine({ streamId, events }) {
  return { streamId, ids: events.map(({ id }) => id) }
}

function codeOf(error) {
  return error instanceof RollBack ? undefined : String(error?.code ?? error)
}
