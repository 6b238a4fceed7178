import type { ClientLike } from '@rillflow/core'
import type { Knex } from 'knex'

export function knexClient(trx: Knex.Transaction): ClientLike {
  return {
    async query(config) {
      // Its connection goes on to other transactions. 25P01 is how the server says "in no transaction".
      if (trx.isCompleted()) throw Object.assign(new Error('The Knex transaction is over.'), { code: '25P01' })
      // The node-postgres client itself: `trx.raw` would read every `?` of the statement as a parameter.
      const connection = (await trx.client.acquireConnection()) as ClientLike
      return connection.query(config)
    },
  }
}
