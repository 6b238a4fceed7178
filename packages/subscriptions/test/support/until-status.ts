import type { ConsumerStatus, SubscriptionStore } from '@rillflow/subscriptions'
import { until } from './until.js'

/** Waits until a consumer is there and the check holds for where it stands. */
export async function untilStatus(
  store: { readonly subscriptions: Pick<SubscriptionStore, 'groups'> },
  name: string,
  check: (status: ConsumerStatus) => boolean,
  group = '',
): Promise<void> {
  await until(async () => {
    const found = (await store.subscriptions.groups(name)).find((each) => each.group === group)
    return found !== undefined && check(found)
  })
}

/** Waits until everything up to a position is handled or put aside. */
export async function untilReached(
  store: { readonly subscriptions: Pick<SubscriptionStore, 'groups'> },
  name: string,
  position: number,
  group = '',
): Promise<void> {
  await untilStatus(store, name, (status) => status.position === position, group)
}
