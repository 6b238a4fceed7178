import { randomUUID } from 'node:crypto'

const types = ['Placed', 'Changed', 'Closed']

/**
 * Chooses what one attempt of a writer does. `mix` gives the share of attempts with each feature; one with none is a
 * single append on the store.
 */
export function planAttempt(random, { streams, mix, number }) {
  const streamId = chooseStream(random, streams)
  const twice = random.chance(mix.twice)
  return {
    document: random.chance(mix.document) ? `note-${number}` : undefined,
    rollback: random.chance(mix.rollback),
    session: random.chance(mix.session),
    abandoned: random.chance(mix.savepoint) ? append(random, chooseStream(random, streams)) : undefined,
    appends: twice
      ? inOrder([append(random, streamId), append(random, chooseStream(random, streams))])
      : [append(random, streamId)],
    holdMs: random.chance(mix.slow) ? random.between(20, 60) : 0,
    gapMs: random.between(0, mix.gapMs),
  }
}

/** One stream gets a twentieth of everything, for the reader of one stream. */
function chooseStream(random, streams) {
  return random.chance(0.05) ? 'stream-0' : `stream-${random.between(0, streams - 1)}`
}

function append(random, streamId) {
  const events = Array.from({ length: random.between(1, 5) }, (_, index) => ({
    id: randomUUID(),
    type: types[random.between(0, 2)],
    data: { index },
  }))
  return { streamId, events }
}

/** Two transactions that take two streams in different orders deadlock, which is another test's matter. */
function inOrder(appends) {
  return appends.toSorted((one, other) => (one.streamId < other.streamId ? -1 : 1))
}
