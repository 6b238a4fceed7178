import { createStore, isRillflowError } from '@rillflow/core'
import { defineCollection, documents, gte, index } from '@rillflow/documents'
import { sync } from '@rillflow/schema'
import { z } from 'zod'

const Customer = defineCollection('customers', {
  schema: z.object({
    id: z.string(),
    email: z.email(),
    tier: z.enum(['free', 'pro']).default('free'),
    visits: z.number().default(0),
  }),
  indexes: [index('email', { unique: true }), index(['tier', 'visits'])],
})

const store = createStore({
  connection: process.env['DATABASE_URL'],
  modules: { docs: documents({ customers: Customer }) },
})
await sync(store) // makes the table and the indexes

const { customers } = store.docs
await customers.put({ id: 'c-1', email: 'ada@x.io' }) // { id: 'c-1', version: 1 }
await customers.update('c-1', (customer) => ({ ...customer, tier: 'pro' })) // under a row lock
await customers.patch('c-1', (patch) => patch.increment('visits', 5)) // where it is, in one statement
console.log(await customers.find({ tier: 'pro', visits: gte(5) }))

try {
  await customers.put({ id: 'c-1', email: 'eve@x.io' }, { expected: 1 })
} catch (error) {
  if (!isRillflowError(error, 'VersionConflict')) throw error
  console.log(error.message) // … expected version 1, actual version 3. …
}
await store.close()
