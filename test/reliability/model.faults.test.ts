import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventModel } from './support/event-model.js'
import { chooseSeed } from './support/history-folder.js'
import { commands } from './support/model-commands.js'
import { makeSchema, openStore, type ReliabilityStore } from './support/open-store.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const runs = long ? 2_000 : 300
const maxCommands = 50
const seed = chooseSeed()

let server: EmbeddedPostgres
let pool: pg.Pool
let store: ReliabilityStore
let run = 0
let done = 0

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => undefined)
  await makeSchema(server.url, 'model')
  store = openStore({ pool }, 'model')
})

afterAll(async () => {
  await store.close()
  await pool.end()
  await server.stop()
})

test(`R10: ${runs} runs of up to ${maxCommands} commands do as the model does`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands, size: 'max' }), async (list) => {
      run += 1
      const count = (): void => void (done += 1)
      const real = { store, prefix: `run-${run}-`, begin: await store.events.head(), count }
      await fc.asyncModelRun(() => ({ model: new EventModel(), real }), list)
    }),
    { numRuns: runs, seed },
  )
  console.log(`R10: ${done} commands`)
  expect(done).toBeGreaterThan((runs * maxCommands) / 4)
  expect(await store.events.verify()).toEqual([])
}, 600_000)
