import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleFixture, type BundledFixture } from './bundle-fixture.js'
import { newStore } from './events-database.js'
import { openPool } from './open-pool.js'

const events = 100_000

let server: EmbeddedPostgres
let pool: Pool
let fixture: BundledFixture
let schema: string

beforeAll(async () => {
  ;[fixture, server] = await Promise.all([bundleFixture('read-feed'), startPostgres({ from: 'embedded' })])
  pool = openPool(server.url, 2)
  ;({ schema } = await newStore(pool))
  await pool.query(
    `insert into "${schema}".streams (stream_id, category, version) values ('s', 'counter', ${events})`,
  )
  await pool.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, n, s.stream_id, s.category, 'Added', 1, jsonb_build_object('n', n, 'text', repeat('x', 200)),
          gen_random_uuid()
        from generate_series(1, ${events}) n, "${schema}".streams s order by n`,
  )
  await pool.query(`analyze "${schema}".streams, "${schema}".events`)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
  fixture[Symbol.dispose]()
})

test.each(['feed', 'filter', 'stream'])(`a %s of ${events} events is read in constant memory`, async (what) => {
  const child = fork(fixture.file, [server.url, schema, what], { execArgv: ['--expose-gc'] })
  try {
    const [answer] = (await once(child, 'message')) as [{ count: number; growth: number; collected: boolean }]
    expect(answer).toMatchObject({ count: events, collected: true })
    // All of them together would take more than 60 MB.
    expect(answer.growth).toBeLessThan(10)
  } finally {
    child.kill('SIGKILL')
  }
})
