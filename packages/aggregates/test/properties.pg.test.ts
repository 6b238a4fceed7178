import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newAccountStore, otherAccountStore } from './support/snapshots/account-store.js'
import { histories } from './support/snapshots/history.js'
import { runHistory, type HistoryPlace } from './support/snapshots/history-run.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const runs = long ? 2_000 : 60
const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)
const database = useDatabase({ max: 12 })

/** Takes every stream and snapshot away, which costs less than a schema for each history. */
async function empty({ pool, schema }: HistoryPlace): Promise<void> {
  const tables = ['events', 'streams', 'snapshots'].map((table) => `"${schema}".${table}`)
  await pool.query(`begin; set local rillflow.maintenance = 'on'; truncate ${tables.join(', ')}; commit`)
}

test(
  `a load is the fold of all events, whatever snapshots there are and whoever writes (seed ${seed})`,
  { timeout: long ? 1_800_000 : 300_000 },
  async () => {
    // A session and a commit that both write a snapshot of one stream may come to wait for one another.
    await database.query(`alter database "${database.name}" set deadlock_timeout = '10ms'`)
    const { store, schema } = await newAccountStore(database.pool)
    const stores = [store, otherAccountStore(database.pool, schema)] as const
    const place = { pool: database.pool, schema, stores }
    const tally = { commits: 0, conflicts: 0, snapshots: 0, shapes: 0 }
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        await empty(place)
        await runHistory(place, history, tally)
      }),
      { seed, numRuns: runs, plugins: long ? [] : [fc.interruptAfterTimeLimit(120_000)] },
    )
    console.log(`seed ${seed}: ${JSON.stringify(tally)}`)
    // Histories in which nothing meets anything would prove little.
    expect(Math.min(...Object.values(tally))).toBeGreaterThan(0)
  },
)
