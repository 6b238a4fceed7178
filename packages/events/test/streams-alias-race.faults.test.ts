import { expect, test } from 'vitest'
import { race } from './support/race.js'
import { newStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const ROUNDS = 200

const server = useServer({ max: 3, fixture: 'resolve-aliases' })

test(`two processes that make one alias ${ROUNDS} times get the same stream each time`, async () => {
  const { store, schema } = await newStore(server.pool)
  const [one, other] = await race({ file: server.file, url: server.url, schema, rounds: ROUNDS })
  expect(one).toHaveLength(ROUNDS)
  expect(other).toEqual(one)
  expect(new Set(one).size).toBe(ROUNDS)
  expect(await store.events.findAlias('raced-1')).toBe(one[0])
})
