import { sync } from '@rillflow/schema'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkSnapshots } from './support/check-snapshots.js'
import { EventModel } from './support/event-model.js'
import { chooseSeed } from './support/history-folder.js'
import { nothingTried } from './support/model-command.js'
import { commands } from './support/model-commands.js'
import { openModelStore, type ModelStore } from './support/model-store.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const runs = long ? 2_000 : 300
const maxCommands = 50
const seed = chooseSeed()
const schema = 'model'

let server: EmbeddedPostgres
let pool: pg.Pool
let store: ModelStore
let run = 0

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => undefined)
  store = openModelStore(pool, schema)
  await sync(store)
})

afterAll(async () => {
  await store.close()
  await pool.end()
  await server.stop()
})

test(`R10: ${runs} runs of up to ${maxCommands} commands do as the model does`, async () => {
  const tried = nothingTried()
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands, size: 'max' }), async (list) => {
      run += 1
      const prefix = `run-${String(run).padStart(6, '0')}-`
      const model = new EventModel()
      const real = { store, pool, schema, prefix, begin: await store.events.head(), tried }
      await fc.asyncModelRun(() => ({ model, real }), list)
      await checkSnapshots(model, real)
    }),
    { numRuns: runs, seed },
  )
  console.log(`R10: ${JSON.stringify(tried)}`)
  expect(tried.commands).toBeGreaterThan((runs * maxCommands) / 4)
  expect(Math.min(...Object.values(tried))).toBeGreaterThan(0)
  expect(await store.events.verify()).toEqual([])
}, 600_000)
