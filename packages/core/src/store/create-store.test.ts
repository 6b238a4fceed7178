import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import type { ConnectionOptions } from '../connection/connection-options.js'
import { createStore } from './create-store.js'
import { internalsOf } from './internals.js'

const modules = {}

describe('createStore', () => {
  test.each<[string, unknown]>([
    ['an unset variable', undefined],
    ['an empty URL', ''],
    ['an empty url', { url: '' }],
    ['an undefined url, which the driver would fill from its own defaults', { url: undefined }],
    ['no pool', { pool: undefined }],
    ['something else as a pool', { pool: {} }],
    ['no client', { client: undefined }],
    ['an empty object', {}],
  ])('refuses %s as a connection', (_, connection) => {
    const error = thrownBy(() => createStore({ connection: connection as ConnectionOptions, modules }))
    expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('DATABASE_URL') })
  })

  test('refuses attempts that would never end', () => {
    const error = thrownBy(() => createStore({ connection: 'x', modules, retry: { attempts: Number.NaN } }))
    expect(error).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('retry.attempts') })
  })

  test('connects to nothing before the first call', async () => {
    let connections = 0
    const server = createServer(() => (connections += 1))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const store = createStore({ connection: `postgres://nobody@127.0.0.1:${port}/nowhere`, modules })
    await store.close()
    await new Promise<void>((resolve) => void server.close(() => resolve()))

    expect(connections).toBe(0)
  })

  test('refuses a schema that cannot be an identifier when the store is made', async () => {
    const { singleTenant } = await import('../tenancy/single-tenant.js')

    expect(thrownBy(() => singleTenant({ schema: 'x'.repeat(64) }))).toMatchObject({ code: 'InvalidIdentifier' })
  })

  test('does not look like a promise, and shows its internals to nobody who lists its keys', () => {
    const store = createStore({ connection: 'postgres://127.0.0.1:1/x', modules })

    expect('then' in store).toBe(false)
    expect(Object.keys(store).toSorted()).toEqual(['close', 'session', 'transaction', 'withContext'])
    expect(internalsOf(store).components).toEqual([])
  })
})

test('internalsOf refuses what is not a store', () => {
  expect(thrownBy(() => internalsOf({}))).toMatchObject({ code: 'InvalidArgument', argument: 'store' })
})
