import { connect, createServer, type AddressInfo } from 'node:net'
import { createStore } from '@rillflow/core'
import { startPostgres } from '@rillflow/testing'
import pg from 'pg'
import { expect, test } from 'vitest'

const ready = Buffer.from('Z\0\0\0\x05I', 'latin1')
const key = Buffer.from('K\0\0\0\x0c', 'latin1')

test('a connection that the server ends in the breath in which it is made: a typed error, and the process lives', async () => {
  await using server = await startPostgres({ from: 'embedded' })
  const direct = new pg.Client({ connectionString: server.url })
  await direct.connect()
  const ending: Promise<unknown>[] = []
  // Gives the end of the handshake and the server's goodbye to the client in one piece.
  const proxy = createServer((client) => {
    const up = connect(server.port, '127.0.0.1')
    let held: Buffer | undefined
    for (const socket of [client, up]) socket.on('error', () => undefined)
    client.on('data', (chunk) => up.write(chunk))
    up.on('data', (chunk) => {
      if (held !== undefined) return void client.write(Buffer.concat([held, chunk]))
      if (!chunk.includes(ready)) return void client.write(chunk)
      held = chunk
      ending.push(direct.query('select pg_terminate_backend($1)', [chunk.readInt32BE(chunk.indexOf(key) + 5)]))
    })
  })
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(server.url)
  url.port = String((proxy.address() as AddressInfo).port)
  const store = createStore({ connection: { url: url.href, maxConnections: 1 }, modules: {} })
  await expect(store.transaction((tx) => tx.sql`select 1`)).rejects.toMatchObject({ code: 'ConnectionLost' })
  await store.close()
  await Promise.all(ending)
  await direct.end()
  proxy.close()
})
