import { createStore, typed } from '@rillflow/core'
import { defineCollection, documents, index } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { z } from 'zod'

export const Account = z.object({ id: z.string().min(1), owner: z.string().min(1), balance: z.number() })

const Accounts = defineCollection('accounts', { schema: Account, indexes: [index('owner')] })

const AccountEvents = defineEvents('account', {
  Opened: typed<{ owner: string }>(),
  Deposited: z.object({ amount: z.number().positive() }),
  Withdrawn: z.object({ amount: z.number().positive() }),
})

/** The store of the API: each account's balance as a document, what happened to it as a stream. */
export function openStore(url: string | undefined) {
  return createStore({
    connection: url,
    modules: { docs: documents({ accounts: Accounts }), events: events({ account: AccountEvents }) },
  })
}

export type BankStore = ReturnType<typeof openStore>
