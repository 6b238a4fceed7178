import { fork } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, expect, test } from 'vitest'
import { newStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const events = 100_000

const server = useServer({ max: 2, fixture: 'read-feed' })
let schema: string

beforeAll(async () => {
  ;({ schema } = await newStore(server.pool))
  await server.pool.query(
    `insert into "${schema}".streams (stream_id, category, version) values ('s', 'counter', ${events})`,
  )
  await server.pool.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, n, s.stream_id, s.category, 'Added', 1, jsonb_build_object('n', n, 'text', repeat('x', 200)),
          gen_random_uuid()
        from generate_series(1, ${events}) n, "${schema}".streams s order by n`,
  )
  await server.pool.query(`vacuum analyze "${schema}".streams, "${schema}".events`)
})

test.each(['feed', 'filter', 'stream'])(`a %s of ${events} events is read in constant memory`, async (what) => {
  const child = fork(server.file, [server.url, schema, what], { execArgv: ['--expose-gc'] })
  try {
    const [answer] = (await once(child, 'message')) as [{ count: number; growth: number; collected: boolean }]
    expect(answer).toMatchObject({ count: events, collected: true })
    // All of them together would take more than 60 MB.
    expect(answer.growth).toBeLessThan(10)
  } finally {
    child.kill('SIGKILL')
  }
})
