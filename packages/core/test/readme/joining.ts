import { createStore } from '@rillflow/core'
import pg from 'pg'
import { counters } from './counters.js'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const store = createStore({ connection: { pool }, modules: { counters: counters() } })

const client = await pool.connect()
try {
  await client.query('begin')
  await client.query('insert into orders values ($1)', ['order-1'])
  await store.transaction({ client }, (tx) => tx.counters.add('orders', 1))
  await client.query('commit') // both are stored, or neither
} catch (error) {
  await client.query('rollback')
  throw error
} finally {
  client.release()
}
await store.close() // your pool stays open
await pool.end()
