import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { defineProjection } from '@rillflow/projections'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })

export const Audit = defineProjection('audit', {
  version: 1,
  from: [OrderEvents],
  tables: ['audit_lines'],
  migrations: [
    {
      number: 1,
      name: 'lines',
      sql: 'create table :"schema".audit_lines (place bigint primary key, total double precision)',
    },
  ],
  handle: async (event, tx) => {
    await tx.query(`insert into ${tx.table('audit_lines')} values ($1, $2)`, [event.position, event.data.total])
  },
})
