import { aggregates } from '@rillflow/aggregates'
import { createStore, singleTenant } from '@rillflow/core'
import { events } from '@rillflow/events'
import { AccountEvents } from './account.js'

/** The store of the bank, in a schema of its own: the audit is about these accounts and no others. */
export function openBank(url: string) {
  return createStore({
    connection: url,
    tenancy: singleTenant({ schema: 'example_bank' }),
    modules: { events: events({ account: AccountEvents }), aggregates: aggregates() },
  })
}

export type Bank = ReturnType<typeof openBank>
