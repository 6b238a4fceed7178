import type { Pool, PoolClient } from 'pg'
import { Account } from '../account.js'
import type { TestStore } from '../test-store.js'

/** An amount that is to go from one account to another. */
export interface TransferOrder {
  readonly from: string
  readonly to: string
  readonly amount: number
}

/** A way to move it: both accounts change, or neither. */
export type TransferWay = (store: TestStore, order: TransferOrder) => Promise<unknown>

const { deposit, withdraw } = Account.commands

/** Every way that aggregates have. What `withdraw` throws comes out of each, and nothing is changed then. */
export const transferWays: Readonly<Record<'execute' | 'update' | 'held' | 'session', TransferWay>> = {
  execute: (store, { from, to, amount }) =>
    store.transaction(async (tx) => {
      await tx.aggregates.execute(Account, from, withdraw(amount))
      await tx.aggregates.execute(Account, to, deposit(amount))
    }),
  update: (store, { from, to, amount }) =>
    store.transaction(async (tx) => {
      await tx.aggregates.update(Account, to, deposit(amount))
      await tx.aggregates.update(Account, from, withdraw(amount))
    }),
  held: (store, { from, to, amount }) =>
    store.transaction(async (tx) => {
      // In one order for everybody, so that nobody waits for somebody who waits for them.
      const [first, second] = [from, to].toSorted() as [string, string]
      const loaded = [
        await tx.aggregates.loadForUpdate(Account, first),
        await tx.aggregates.loadForUpdate(Account, second),
      ]
      for (const account of loaded) {
        const decide = account.id === from ? withdraw(amount) : deposit(amount)
        await tx.aggregates.commit(Account, account, await decide(account.state, account))
      }
    }),
  async session(store, { from, to, amount }) {
    const session = store.session()
    await session.aggregates.execute(Account, from, withdraw(amount))
    await session.aggregates.execute(Account, to, deposit(amount))
    await session.saveChanges()
  },
}

/** A way to see all accounts as they are at one moment. */
export type BalanceReader = (store: TestStore, ids: readonly string[]) => Promise<readonly number[]>

/**
 * The reads that see one moment: a transaction in which all statements have one snapshot, and a single statement. A load
 * for each account is none of them, nor is the feed, which may end between the two events of a transfer.
 */
export function balanceReaders(pool: Pool, schema: string): Readonly<Record<string, BalanceReader>> {
  return {
    'loads of one snapshot': (store, ids) =>
      inOneSnapshot(pool, async (client) =>
        store.transaction({ client }, async (tx) => {
          const balances: number[] = []
          for (const id of ids) balances.push((await tx.aggregates.load(Account, id)).state.balance)
          return balances
        }),
      ),
    'streams of one snapshot': (store, ids) =>
      inOneSnapshot(pool, async (client) =>
        store.transaction({ client }, async (tx) => {
          const balances: number[] = []
          for (const id of ids) {
            let balance = 0
            for await (const event of tx.events.readStream(id)) {
              if (event.type === 'Deposited') balance += event.data.amount
              if (event.type === 'Withdrawn') balance -= event.data.amount
            }
            balances.push(balance)
          }
          return balances
        }),
      ),
    async 'one statement'(_, ids) {
      const { rows } = await pool.query<{ balance: number }>(
        `select sum((e.data ->> 'amount')::int * case e.type when 'Withdrawn' then -1 else 1 end)::int as balance
          from "${schema}".events e where e.stream_id = any ($1) group by e.stream_id`,
        [ids],
      )
      return rows.map(({ balance }) => balance)
    },
  }
}

async function inOneSnapshot<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    await client.query('begin transaction isolation level repeatable read read only')
    return await work(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}
