import { expect, test } from 'vitest'
import { race } from './support/race.js'
import { newStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const ROUNDS = 200

const server = useServer({ max: 3, fixture: 'create-streams' })

test(`of two processes that create one stream ${ROUNDS} times, one wins and the other has a conflict`, async () => {
  const { store, schema } = await newStore(server.pool)
  const [one, other] = await race({ file: server.file, url: server.url, schema, rounds: ROUNDS })
  const won = { version: 1 }
  const lost = { code: 'VersionConflict', actual: 1 }
  const rounds = one.map((answer, index) => [answer, other[index]])
  expect(rounds).toHaveLength(ROUNDS)
  expect(rounds.filter((pair) => !isOneEach(pair, won, lost))).toEqual([])
  const events = await store.events.readAll().toArray()
  expect(new Set(events.map((event) => event.streamId)).size).toBe(ROUNDS)
  expect(events).toHaveLength(ROUNDS)
})

function isOneEach(pair: readonly unknown[], won: unknown, lost: unknown): boolean {
  const texts = pair.map((each) => JSON.stringify(each)).toSorted()
  return JSON.stringify(texts) === JSON.stringify([won, lost].map((each) => JSON.stringify(each)).toSorted())
}
