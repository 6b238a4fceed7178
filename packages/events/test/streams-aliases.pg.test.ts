import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, expect, test, vi } from 'vitest'
import { backendOf, untilBlockedBy } from './support/blocking.js'
import { CountingPool } from './support/counting-pool.js'
import { added, newStore, storeOn, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeAll(async () => {
  ;({ store, schema } = await newStore(database.pool))
})

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

test('an alias leads to the same stream for good', async () => {
  const first = await store.events.resolveAlias('customer:ada')
  expect(first).toMatch(uuid)
  expect(await store.events.resolveAlias('customer:ada')).toBe(first)
  expect(await store.events.findAlias('customer:ada')).toBe(first)
  expect(await store.events.resolveAlias('customer:bob')).not.toBe(first)
  await store.events.append(first, added(1))
  expect(await store.events.streamExists(first)).toBe(true)
})

test('looking up creates nothing', async () => {
  expect(await store.events.findAlias('nobody')).toBeUndefined()
  const { rows } = await database.query(`select from "${schema}".stream_aliases where alias = 'nobody'`)
  expect(rows).toEqual([])
})

test('the caller may choose the stream, once', async () => {
  expect(await store.events.resolveAlias('chosen', { create: () => 'order-1' })).toBe('order-1')
  expect(await store.events.resolveAlias('later', { create: async () => Promise.resolve('order-1') })).toBe('order-1')
  const create = vi.fn<() => string>()
  expect(await store.events.resolveAlias('chosen', { create })).toBe('order-1')
  expect(create).not.toHaveBeenCalled()
})

test('an error of create comes out, and nothing is made', async () => {
  const create = (): never => {
    throw new Error('no id')
  }
  await expect(store.events.resolveAlias('failing', { create })).rejects.toThrow('no id')
  await expect(store.events.resolveAlias('failing', { create: () => '' })).rejects.toMatchObject({
    code: 'InvalidArgument',
    argument: 'streamId',
  })
  expect(await store.events.findAlias('failing')).toBeUndefined()
})

test('one that is there takes one statement, one that is not takes two', async () => {
  const pool = new CountingPool(database.pool)
  const counted = storeOn(pool, schema)
  const names = (): readonly unknown[] => pool.take().map(({ name }) => name?.replace(/_[0-9a-f]{16}$/, ''))
  await counted.events.resolveAlias('counted')
  expect(names()).toEqual(['rf_find_alias', 'rf_create_alias'])
  await counted.events.resolveAlias('counted')
  expect(names()).toEqual(['rf_find_alias'])
})

test.each(['', 'a\0b', 'x'.repeat(1_001), 7, null])('%j is no alias', async (alias) => {
  const refused = { code: 'InvalidArgument', argument: 'alias' }
  await expect(store.events.findAlias(alias as string)).rejects.toMatchObject(refused)
  await expect(store.events.resolveAlias(alias as string)).rejects.toMatchObject(refused)
})

test('the longest alias and the strangest text', async () => {
  for (const alias of ['é'.repeat(500), `'; drop table streams; --`, '\u{1f600}"$1']) {
    expect(await store.events.findAlias(alias)).toBeUndefined()
    const streamId = await store.events.resolveAlias(alias)
    expect(await store.events.findAlias(alias)).toBe(streamId)
  }
})

test.each(['commit', 'rollback'] as const)(
  'an alias that another transaction is making is waited for (%s)',
  async (end) => {
    const holder = await database.pool.connect()
    const alias = `open-${end}`
    try {
      await holder.query('begin')
      const made = await store.transaction({ client: holder }, (tx) =>
        tx.events.resolveAlias(alias, { create: () => 'theirs' }),
      )
      expect(made).toBe('theirs')
      expect(await store.events.findAlias(alias)).toBeUndefined()
      const resolving = store.events.resolveAlias(alias, { create: () => 'ours' })
      await untilBlockedBy(database.pool, await backendOf(holder))
      await holder.query(end)
      const winner = end === 'commit' ? 'theirs' : 'ours'
      expect(await resolving).toBe(winner)
      expect(await store.events.findAlias(alias)).toBe(winner)
    } finally {
      await holder.query('rollback')
      holder.release()
    }
  },
)

test('an alias is undone with its transaction, and its stream with it', async () => {
  const failing = store.transaction(async (tx) => {
    const streamId = await tx.events.resolveAlias('undone')
    await tx.events.append(streamId, added(1), { expected: 'noStream' })
    expect(await tx.events.findAlias('undone')).toBe(streamId)
    throw new Error('from the callback')
  })
  await expect(failing).rejects.toThrow('from the callback')
  expect(await store.events.findAlias('undone')).toBeUndefined()
})

test('in a transaction of one snapshot the loser of a race runs again, and finds the alias', async () => {
  const holder = await database.pool.connect()
  const runs: string[] = []
  try {
    await holder.query('begin')
    await store.transaction({ client: holder }, (tx) => tx.events.resolveAlias('snapshot', { create: () => 'theirs' }))
    const resolving = store.transaction(async (tx) => {
      await tx.sql`set transaction isolation level repeatable read`
      runs.push('run')
      return tx.events.resolveAlias('snapshot', { create: () => 'ours' })
    })
    await untilBlockedBy(database.pool, await backendOf(holder))
    await holder.query('commit')
    expect(await resolving).toBe('theirs')
    expect(runs).toHaveLength(2)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})
