import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { defineProjection, toTable } from '@rillflow/projections'
import { z } from 'zod'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ customer: string; total: number }>() })

export const Spendings = defineProjection('spendings', {
  version: 1,
  from: [OrderEvents],
  to: toTable('spendings', {
    key: 'customer',
    schema: z.object({ customer: z.string(), total: z.number(), note: z.string().nullish() }),
  }),
  migrations: [
    {
      number: 1,
      name: 'spendings',
      sql: 'create table :"schema".spendings (customer text primary key, total double precision not null, note text)',
    },
  ],
  key: (event) => event.data.customer,
  on: {
    OrderPlaced: (row, { data }, customer) => ({ ...row, customer, total: (row?.total ?? 0) + data.total }),
  },
})
