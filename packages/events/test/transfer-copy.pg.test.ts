import { useDatabase } from '@rillflow/testing/vitest'
import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { eventsOf, newStore, storeOn } from './support/test-store.js'
import { numbered } from './support/numbered.js'

const database = useDatabase()

test("a COPY that takes longer than the driver's query_timeout is ended with its connection", async () => {
  const { schema } = await newStore(database.pool)
  const pool = new Pool({ connectionString: database.url, max: 1, query_timeout: 2_000 })
  onTestFinished(() => pool.end())
  const store = storeOn({ connect: () => pool.connect() }, schema)
  await database.query(`
    create function "${schema}".wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(8); return new; end $$;
    create trigger wait before insert on "${schema}".events for each row execute function "${schema}".wait()`)
  const gate = await database.pool.connect()
  await gate.query('select pg_advisory_lock(8)')
  try {
    await expect(store.events.import(numbered(3, ['s']))).rejects.toMatchObject({ cause: { code: 'ConnectionLost' } })
  } finally {
    await gate.query('select pg_advisory_unlock(8)')
    gate.release()
  }
  expect(await store.events.import(numbered(3, ['t']))).toMatchObject({ events: 3 })
  expect((await eventsOf(store)).length).toBeGreaterThanOrEqual(3)
})
