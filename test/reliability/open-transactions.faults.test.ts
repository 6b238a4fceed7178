import { expect, test } from 'vitest'
import { useFreshStore } from './support/use-fresh-store.js'
import { useServer } from './support/use-server.js'

const server = useServer()
const fresh = useFreshStore(server, 'open')
const added = { type: 'Placed', data: {} } as const

/** A transaction on a client of its own that appends step by step, and what is visible of all of it meanwhile. */
async function stepwise(work: (step: (streamId: string) => Promise<void>) => Promise<void>): Promise<void> {
  const client = await server.pool.connect()
  try {
    await client.query('begin')
    await work(async (streamId) => {
      await fresh.store.transaction({ client }, (tx) => tx.events.append(streamId, [added]))
    })
    await client.query('commit')
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const visible = async (): Promise<readonly string[]> =>
  (await fresh.store.events.readAll().toArray()).map(({ streamId }) => streamId)

test('a reader of the feed sees nothing of an open transaction, and all of it after the commit', async () => {
  await stepwise(async (step) => {
    await step('s-1')
    expect(await visible()).toEqual([])
    await step('s-2')
    expect(await visible()).toEqual([])
  })
  expect(await visible()).toEqual(['s-1', 's-2'])
})

test('where another begins to append in between, the feed ends there until that one has ended', async () => {
  await stepwise(async (other) => {
    await stepwise(async (step) => {
      await step('s-1')
      await other('s-3')
      await step('s-2')
    })
    // In the order of positions, and nothing is passed over; but not all of a transaction at once.
    expect(await visible()).toEqual(['s-1'])
  })
  expect(await visible()).toEqual(['s-1', 's-3', 's-2'])
})
