import { serve } from '@hono/node-server'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import { makeApp } from './app.js'
import { openStore } from './store.js'

const postgres = await startPostgres({ from: process.env.DATABASE_URL ? 'url' : 'embedded', durable: true })
const store = openStore(postgres.url)
await sync(store)

const port = Number(process.env.PORT ?? 3000)
const server = serve({ fetch: makeApp(store).fetch, hostname: '127.0.0.1', port }, () => {
  console.log(`Listening on http://127.0.0.1:${port}; Ctrl-C ends it.`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void store.close().then(() => postgres.stop()))
  })
}
