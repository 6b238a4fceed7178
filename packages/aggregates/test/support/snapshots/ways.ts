import type { AggregateDefinition } from '@rillflow/aggregates'
import type { AccountEvents, AccountState } from '../account.js'
import type { TestStore } from '../test-store.js'
import { deposits } from './deposits.js'

/** An aggregate over the events of accounts. */
export type AccountAggregate = AggregateDefinition<AccountState, (typeof AccountEvents)['schemas']>

/** Writes so many events to an aggregate. */
export type Way = (store: TestStore, account: AccountAggregate, id: string, count: number) => Promise<unknown>

/** Every way by which a commit can take a snapshot. */
export const ways: Readonly<Record<string, Way>> = {
  execute: (store, account, id, count) => store.aggregates.execute(account, id, () => deposits(count)),
  async 'create, then update'(store, account, id, count) {
    const { exists } = await store.aggregates.load(account, id)
    if (exists) await store.aggregates.update(account, id, () => deposits(count))
    else await store.aggregates.create(account, id, () => deposits(count))
  },
  async commit(store, account, id, count) {
    await store.aggregates.commit(account, await store.aggregates.load(account, id), deposits(count))
  },
  transaction: (store, account, id, count) =>
    store.transaction((tx) => tx.aggregates.execute(account, id, () => deposits(count))),
  async session(store, account, id, count) {
    const session = store.session()
    await session.aggregates.execute(account, id, () => deposits(count))
    await session.saveChanges()
  },
}
