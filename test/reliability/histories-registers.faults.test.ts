import { randomUUID } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { countAnomalies } from './support/anomaly.js'
import { barrier } from './support/barrier.js'
import { checkRegisters } from './support/check-registers.js'
import type { Random } from './support/children/random.mjs'
import { attempt } from './support/known-outcome.js'
import type { HistoryStore } from './support/open-history-store.js'
import type { RegisterOperation } from './support/register-operation.js'
import { historyTimeout, pick, useHistories } from './support/use-histories.js'

const clients = useHistories()
const registers = ['r-1', 'r-2', 'r-3'] as const
let clock = 0
let operations: RegisterOperation[] = []
let known: Map<HistoryStore, Map<string, number>>

beforeEach(() => {
  operations = []
  known = new Map(clients.stores.map((store) => [store, new Map<string, number>()]))
})

type Told = Partial<Omit<RegisterOperation, 'outcome'>> | undefined

/** Makes one call and records it with its times. */
async function record(
  about: Pick<RegisterOperation, 'register' | 'kind' | 'value' | 'expected'>,
  call: () => Promise<Told>,
): Promise<number | undefined> {
  const begin = (clock += 1)
  const { outcome, result, actual } = await attempt(call)
  const operation = { ...about, begin, end: (clock += 1), outcome, ...(result ?? { version: actual }) }
  operations.push(operation)
  return operation.version
}

const reads: readonly ((store: HistoryStore, register: string) => Promise<Told>)[] = [
  async ({ docs }, id) => {
    const stored = await docs.registers.getStored(id)
    return { value: stored?.doc.value, version: stored?.version ?? 0 }
  },
  async ({ docs }, id) => ({ value: (await docs.registers.get(id))?.value }),
  async ({ docs }, id) => ({ value: (await docs.registers.getMany([id]))[0]?.value }),
  async ({ docs }, id) => ({ value: (await docs.registers.find({ id }))[0]?.value }),
  async (store, id) => ({ value: (await store.session().docs.registers.load(id))?.value }),
]

async function change(store: HistoryStore, id: string, value: string): Promise<Told> {
  const session = store.session()
  const saw = (await session.docs.registers.load(id))?.value
  session.docs.registers.store({ id, value })
  const { docs } = await session.saveChanges()
  return { saw, version: docs[0]?.version }
}

async function update({ docs }: HistoryStore, id: string, value: string): Promise<Told> {
  let saw: string | undefined
  const { version } = await docs.registers.update(id, (doc) => {
    saw = doc.value
    return { id, value }
  })
  return { saw, version }
}

async function turn(store: HistoryStore, random: Random): Promise<void> {
  const register = pick(random, registers)
  const versions = known.get(store) as Map<string, number>
  const expected = versions.get(register) ?? 0
  const value = randomUUID()
  const doc = { id: register, value }
  const choice = random.next()
  let version: number | undefined
  if (choice < 0.4) {
    const read = pick(random, reads)
    version = await record({ register, kind: 'read' }, () => read(store, register))
  } else if (choice < 0.5) {
    version = await record({ register, kind: 'write', value }, () => store.docs.registers.put(doc))
  } else if (choice < 0.75) {
    version = await record({ register, kind: 'write', value, expected }, () =>
      store.docs.registers.put(doc, { expected }),
    )
  } else {
    // There is nothing to update before the first write.
    const work = choice < 0.9 || expected === 0 ? change : update
    version = await record({ register, kind: 'change', value }, () => work(store, register, value))
  }
  if (version !== undefined) versions.set(register, version)
}

test(
  'R11: reads, writes, compare-and-set and changes are linearizable, while connections end',
  async () => {
    await clients.check({
      name: 'registers',
      turn,
      history: async () => {
        for (const register of registers) {
          await record({ register, kind: 'read' }, () => (reads[0] as (typeof reads)[0])(clients.store(0), register))
        }
        const outcomes = new Set(operations.map(({ kind, outcome }) => `${kind} ${outcome}`))
        expect([...outcomes]).toEqual(expect.arrayContaining(['read ok', 'write ok', 'write refused', 'change ok']))
        return { operations, anomalies: checkRegisters(operations) }
      },
    })
  },
  historyTimeout,
)

test('R11: a change that reads and then puts without the version is caught', async () => {
  await record({ register: 'r', kind: 'write', value: 'a' }, () =>
    clients.store(0).docs.registers.put({ id: 'r', value: 'a' }),
  )
  const bothRead = barrier(2)
  const blind = (store: HistoryStore, value: string): Promise<unknown> =>
    record({ register: 'r', kind: 'change', value }, async () => {
      const saw = (await store.docs.registers.get('r'))?.value
      await bothRead()
      return { saw, ...(await store.docs.registers.put({ id: 'r', value })) }
    })
  await Promise.all([blind(clients.store(1), 'b'), blind(clients.store(2), 'c')])
  expect(countAnomalies(checkRegisters(operations))).toEqual({ 'lost update': 1 })
})
