import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sync } from '@rillflow/schema'
import type pg from 'pg'
import { afterEach, beforeEach, expect } from 'vitest'
import { countAnomalies, type Anomaly } from './anomaly.js'
import { Random } from './children/random.mjs'
import { chooseSeed, withHistory } from './history-folder.js'
import { openHistoryStore, type HistoryStore } from './open-history-store.js'
import { runClients, terminateOne } from './run-clients.js'
import { useServer } from './use-server.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const clients = 8
const turns = long ? 1_000 : 60
const faults = 0.02

/** How long a test of a history may take. */
export const historyTimeout = long ? 600_000 : 120_000

/** One run of all clients, and what is looked for in it. */
export interface HistoryCheck {
  readonly name: string
  readonly turn: (store: HistoryStore, random: Random) => Promise<void>
  /** What was recorded, and what no order explains. */
  readonly history: () => Promise<{ readonly operations: readonly unknown[]; readonly anomalies: readonly Anomaly[] }>
}

/** Clients of the same data, whose connections may be ended. */
export interface Histories {
  readonly seed: number
  readonly pool: pg.Pool
  readonly schema: string
  readonly stores: readonly HistoryStore[]
  /** One of the clients. */
  store(place: number): HistoryStore
  /** Lets every client have its turns while connections are ended, and looks for anomalies; a failing history is kept. */
  check(run: HistoryCheck): Promise<void>
}

/** Gives each test of the file a schema, and clients with connections and queues of their own. */
export function useHistories(): Histories {
  const server = useServer({ settings: { deadlock_timeout: '20ms' }, max: 6 })
  const seed = chooseSeed()
  let made = 0
  let schema = ''
  let stores: readonly HistoryStore[] = []

  beforeEach(async () => {
    made += 1
    schema = `histories_${made}`
    const connection = { url: server.url, maxConnections: 2, applicationName: schema }
    stores = Array.from({ length: clients }, () => openHistoryStore(connection, schema))
    await sync(stores[0] as HistoryStore)
  })
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()))
  })

  async function check({ name, turn, history }: HistoryCheck): Promise<void> {
    const random = new Random(seed)
    let terminated = 0
    const fault = async (): Promise<void> => {
      // Asked for first: `terminated += await …` would add to what stood there before the wait, and lose the others'.
      if (await terminateOne(server.pool, schema)) terminated += 1
    }
    await withHistory(`${name}-${seed}`, async (folder) => {
      await runClients({ clients: stores, turns, random, turn: (store) => turn(store, random), fault, faults })
      const { operations, anomalies } = await history()
      await writeFile(join(folder, 'history.json'), JSON.stringify({ operations, anomalies }, undefined, 1))
      expect(countAnomalies(anomalies)).toEqual({})
      expect(terminated, 'connections were ended').toBeGreaterThan(0)
    })
  }

  return {
    seed,
    check,
    store: (place) => stores[place] as HistoryStore,
    get pool() {
      return server.pool
    },
    get schema() {
      return schema
    },
    get stores() {
      return stores
    },
  }
}

/** One of them. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.between(0, items.length - 1)] as Item
}

/** Two different ones. */
export function pickTwo<Item>(random: Random, items: readonly Item[]): readonly [Item, Item] {
  const at = random.between(0, items.length - 1)
  const other = (at + random.between(1, items.length - 1)) % items.length
  return [items[at] as Item, items[other] as Item]
}
