import { serve, type ServerType } from '@hono/node-server'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApp } from '../src/app.js'
import { openStore, type BankStore } from '../src/store.js'

const database = useDatabase()
let store: BankStore
let server: ServerType
let base: string

beforeAll(async () => {
  store = openStore(database.url)
  await sync(store)
  await new Promise<void>((resolve) => {
    server = serve({ fetch: makeApp(store).fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      base = `http://127.0.0.1:${port}`
      resolve()
    })
  })
})

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  await store.close()
})

async function call(path: string, body?: object): Promise<{ status: number; json: unknown }> {
  const init =
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'x-request-id': 'r-1' },
        }
  const response = await fetch(`${base}${path}`, init)
  return { status: response.status, json: await response.json() }
}

describe('the HTTP API', () => {
  it('opens an account once, and tells the second one of the conflict', async () => {
    expect(await call('/accounts', { id: 'a', owner: 'ada' })).toEqual({
      status: 201,
      json: { id: 'a', owner: 'ada', balance: 0 },
    })
    expect(await call('/accounts', { id: 'a', owner: 'bob' })).toMatchObject({
      status: 409,
      json: { error: 'VersionConflict' },
    })
    expect((await call('/accounts/a')).json).toEqual({ id: 'a', owner: 'ada', balance: 0 })
  })

  it('moves money, and keeps the document and its stream together', async () => {
    await call('/accounts', { id: 'b', owner: 'bob' })
    expect((await call('/accounts/b/deposits', { amount: 10 })).json).toMatchObject({ balance: 10 })
    expect((await call('/accounts/b/withdrawals', { amount: 4 })).json).toMatchObject({ balance: 6 })
    expect((await call('/accounts/b/withdrawals', { amount: 7 })).status).toBe(422)
    const events = (await call('/accounts/b/events')).json as { type: string; headers: object }[]
    expect(events.map((event) => event.type)).toEqual(['Opened', 'Deposited', 'Withdrawn'])
    expect(events[1]?.headers).toEqual({ path: '/accounts/b/deposits' })
    expect((await call('/accounts?owner=bob')).json).toEqual([{ id: 'b', owner: 'bob', balance: 6 }])
  })

  it('loses no deposit of many at once: each succeeds or is told of its conflict', async () => {
    await call('/accounts', { id: 'c', owner: 'cyd' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('/accounts/c/deposits', { amount: 1 })))
    const done = answers.filter((answer) => answer.status === 200).length
    expect(answers.every((answer) => answer.status === 200 || answer.status === 409)).toBe(true)
    expect(done).toBeGreaterThan(0)
    expect((await call('/accounts/c')).json).toMatchObject({ balance: done })
    const events = (await call('/accounts/c/events')).json as unknown[]
    expect(events).toHaveLength(done + 1)
  })

  it('answers bad requests as such', async () => {
    expect((await call('/accounts', { id: '' })).status).toBe(400)
    expect((await call('/accounts/missing')).status).toBe(404)
    expect((await call('/accounts/missing/deposits', { amount: 1 })).status).toBe(404)
    expect((await call('/accounts/b/deposits', { amount: -1 })).status).toBe(400)
  })
})
