import { createStore, typed } from '@rillflow/core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineCollection, documents, index } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

const Account = defineCollection('accounts', {
  schema: typed<{ id: string; balance: number; iban?: string }>(),
  indexes: [index('iban', { unique: true })],
})
const fixture = useDocuments({ accounts: Account })
type Accounts = (typeof fixture)['store']['docs']['accounts']

/** The connection whose open transaction the racing call has to wait for. */
let holder: pg.Client

beforeAll(async () => {
  holder = new pg.Client({ connectionString: fixture.database.url })
  await holder.connect()
})
afterAll(() => holder.end())

interface Race<Result> {
  /** Done in a transaction that stays open until the loser waits for it. */
  readonly first: (accounts: Accounts) => Promise<unknown>
  readonly second: (accounts: Accounts) => Promise<Result>
  readonly end?: 'commit' | 'rollback'
}

async function race<Result>({ first, second, end = 'commit' }: Race<Result>): Promise<PromiseSettledResult<Result>> {
  await holder.query('begin')
  await fixture.store.transaction({ client: holder }, (tx) => first(tx.docs.accounts))
  const outcome = Promise.allSettled([second(fixture.store.docs.accounts)])
  await blocked(fixture.database)
  await holder.query(end)
  const [settled] = await outcome
  return settled
}

async function loserOf(running: Promise<PromiseSettledResult<unknown>>): Promise<unknown> {
  const settled = await running
  return errorOf(settled.status === 'rejected' ? Promise.reject(settled.reason as Error) : Promise.resolve())
}

const doc = (id: string, balance = 0): { id: string; balance: number } => ({ id, balance })

describe('a call that meets an open transaction waits for it, and answers with what it left', () => {
  test('insert meets insert: the loser gets the version that won', async () => {
    const first = async (accounts: Accounts): Promise<unknown> => {
      await accounts.insert(doc('a-1'))
      return accounts.put(doc('a-1'))
    }
    const loser = loserOf(race({ first, second: (accounts) => accounts.insert(doc('a-1')) }))
    expect(await loser).toMatchObject({ code: 'VersionConflict', id: 'a-1', expected: 0, actual: 2 })
  })

  test('insert meets an insert that is rolled back: it succeeds', async () => {
    const first = (accounts: Accounts): Promise<unknown> => accounts.insert(doc('a-2'))
    const second = (accounts: Accounts): Promise<unknown> => accounts.insert(doc('a-2'))
    expect(await race({ first, second, end: 'rollback' })).toMatchObject({ value: { version: 1 } })
  })

  test('insert meets insert and delete: the loser hears that the document is deleted', async () => {
    const first = async (accounts: Accounts): Promise<unknown> => {
      await accounts.insert(doc('a-3'))
      return accounts.delete('a-3')
    }
    const loser = loserOf(race({ first, second: (accounts) => accounts.insert(doc('a-3')) }))
    expect(await loser).toMatchObject({ code: 'DocumentDeleted', id: 'a-3' })
  })

  test('put meets insert: it makes the next version', async () => {
    const first = (accounts: Accounts): Promise<unknown> => accounts.insert(doc('a-4'))
    expect(await race({ first, second: (accounts) => accounts.put(doc('a-4')) })).toMatchObject({
      value: { version: 2 },
    })
  })

  test('put meets delete: refused, not invisible', async () => {
    await fixture.store.docs.accounts.put(doc('a-5'))
    const first = (accounts: Accounts): Promise<unknown> => accounts.delete('a-5')
    const loser = loserOf(race({ first, second: (accounts) => accounts.put(doc('a-5')) }))
    expect(await loser).toMatchObject({ code: 'DocumentDeleted', id: 'a-5' })
  })

  test.each(['put', 'delete', 'update'] as const)('%s with a version meets put: the actual version', async (method) => {
    const id = `versioned ${method}`
    await fixture.store.docs.accounts.put(doc(id))
    const first = async (accounts: Accounts): Promise<unknown> => {
      await accounts.put(doc(id))
      return accounts.put(doc(id))
    }
    const second = {
      put: (accounts: Accounts) => accounts.put(doc(id), { expected: 1 }),
      delete: (accounts: Accounts) => accounts.delete(id, { expected: 1 }),
      update: (accounts: Accounts) => accounts.update(id, (account) => account, { expected: 1 }),
    }[method]
    expect(await loserOf(race({ first, second }))).toMatchObject({ code: 'VersionConflict', expected: 1, actual: 3 })
    expect(await fixture.store.docs.accounts.getStored(id)).toMatchObject({ version: 3, deletedAt: undefined })
  })

  test('put with a version meets a put that is rolled back: it succeeds', async () => {
    await fixture.store.docs.accounts.put(doc('a-6'))
    const first = (accounts: Accounts): Promise<unknown> => accounts.put(doc('a-6'))
    const second = (accounts: Accounts): Promise<unknown> => accounts.put(doc('a-6'), { expected: 1 })
    expect(await race({ first, second, end: 'rollback' })).toMatchObject({ value: { version: 2 } })
  })

  test('delete meets delete: the loser hears that it is deleted', async () => {
    await fixture.store.docs.accounts.put(doc('a-7'))
    const twice = (accounts: Accounts): Promise<unknown> => accounts.delete('a-7')
    expect(await loserOf(race({ first: twice, second: twice }))).toMatchObject({ code: 'DocumentDeleted' })
  })

  test('restore meets restore: one version is made', async () => {
    await fixture.store.docs.accounts.put(doc('a-8'))
    await fixture.store.docs.accounts.delete('a-8')
    const twice = (accounts: Accounts): Promise<unknown> => accounts.restore('a-8')
    expect(await race({ first: twice, second: twice })).toMatchObject({ value: { version: 3 } })
  })

  test('update meets update: neither is lost', async () => {
    await fixture.store.docs.accounts.put(doc('a-9', 100))
    const add = (amount: number) => (accounts: Accounts) =>
      accounts.update('a-9', (account) => ({ ...account, balance: account.balance + amount }))
    expect(await race({ first: add(5), second: add(7) })).toMatchObject({ value: { version: 3 } })
    expect(await fixture.store.docs.accounts.get('a-9')).toEqual(doc('a-9', 112))
  })

  test('a unique value meets the same one: the loser gets UniqueConflict', async () => {
    const withIban = (id: string) => (accounts: Accounts) => accounts.put({ ...doc(id), iban: 'NO93' })
    const loser = loserOf(race({ first: withIban('u-1'), second: withIban('u-2') }))
    expect(await loser).toMatchObject({ code: 'UniqueConflict', collection: 'accounts', fields: ['iban'] })
  })
})

test('40 updates at once from 8 connections: none is lost', async () => {
  const { accounts } = fixture.store.docs
  await accounts.put(doc('busy', 0))
  const updates = Array.from({ length: 40 }, () =>
    accounts.update('busy', (account) => ({ ...account, balance: account.balance + 1 })),
  )
  const versions = (await Promise.all(updates)).map(({ version }) => version)
  expect(new Set(versions).size).toBe(40)
  expect(await accounts.getStored('busy')).toMatchObject({ version: 41, doc: { balance: 40 } })
})

test('the same new document from four connections at once never conflicts with itself in a unique index', async () => {
  const stores = [1, 2, 3, 4].map(() =>
    createStore({
      connection: { url: fixture.database.url, maxConnections: 1 },
      modules: { docs: documents({ accounts: Account }) },
    }),
  )
  for (let round = 1; round <= 300; round += 1) {
    const same = { id: `same-${round}`, balance: 0, iban: `SAME${round}` }
    const written = await Promise.all(stores.map((store) => store.docs.accounts.put(same)))
    expect(new Set(written.map(({ version }) => version))).toEqual(new Set([1, 2, 3, 4]))
  }
  await Promise.all(stores.map((store) => store.close()))
})
