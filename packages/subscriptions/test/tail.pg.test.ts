import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { createStore, singleTenant } from '@rillflow/core'
import { events, type StoredEvent } from '@rillflow/events'
import { eventStream, subscriptions, type TailOptions } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { rejectionOf } from './support/rejection-of.js'
import { newStore, OrderEvents, placed, storeOn, type TestStore } from './support/test-store.js'
import { until } from './support/until.js'

const database = useDatabase({ max: 20 })

/** The positions that a tail gives, until there are so many. */
async function positionsOf(store: TestStore, count: number, options: TailOptions): Promise<readonly number[]> {
  const positions: number[] = []
  for await (const { position } of store.subscriptions.tail(options)) {
    positions.push(position)
    if (positions.length === count) break
  }
  return positions
}

test('from a position on, and then whatever comes', async () => {
  const { store, schema } = await newStore(database.pool)
  await using other = storeOn(database.pool, schema)
  await store.events.append('order-1', placed(3))
  const following = positionsOf(store, 4, { after: 1 })
  await other.events.append('order-2', placed(2))
  expect(await following).toEqual([2, 3, 4, 5])
  expect(await positionsOf(store, 5, { after: 0 })).toEqual([1, 2, 3, 4, 5])
})

test('from now on unless told: what is there already is left out', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const iterator = store.subscriptions.tail()[Symbol.asyncIterator]()
  const first = iterator.next()
  const came: StoredEvent[] = []
  void first.then(({ value }) => came.push(value as StoredEvent))
  // The place where it begins is read at the first `next`: one of these comes behind it for certain.
  for (let n = 0; n < 1_000 && came.length === 0; n += 1) {
    await store.events.append('order-2', placed(1))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(came[0]?.streamId).toBe('order-2')
  await iterator.return?.()
})

test('what it selects: one filter or several, without doubles', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  await store.events.append('order-1', [{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
  await store.events.append('note-1', [{ type: 'Noted', data: { total: 1 } }])
  expect(await positionsOf(store, 1, { after: 0, filter: { types: ['Noted'] } })).toEqual([3])
  const several = [{ streamIds: ['order-1'] }, { types: ['OrderShipped', 'Noted'] }]
  expect(await positionsOf(store, 3, { after: 0, filter: several })).toEqual([1, 2, 3])
})

test('no checkpoint: two followers see the same, and nothing is stored of them', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(300))
  const [one, two] = await Promise.all([positionsOf(store, 300, { after: 0 }), positionsOf(store, 300, { after: 0 })])
  expect(one).toEqual(Array.from({ length: 300 }, (_, n) => n + 1))
  expect(two).toEqual(one)
  expect(await store.subscriptions.list()).toEqual([])
})

test('leaving while it waits, and the signal, end it', async () => {
  const { store } = await newStore(database.pool)
  const iterator = store.subscriptions.tail({ after: 0 })[Symbol.asyncIterator]()
  const waiting = iterator.next()
  await iterator.return?.()
  expect(await waiting).toEqual({ done: true, value: undefined })
  const stop = new AbortController()
  const stopped = store.subscriptions.tail({ after: 0, signal: stop.signal })[Symbol.asyncIterator]().next()
  stop.abort()
  expect(await stopped).toEqual({ done: true, value: undefined })
  const aborted = store.subscriptions.tail({ after: 0, signal: AbortSignal.abort() })[Symbol.asyncIterator]().next()
  expect(await aborted).toEqual({ done: true, value: undefined })
})

test('nothing stays on the signal of one that has ended, however it ended', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const { signal } = new AbortController()
  for (let turn = 0; turn < 3; turn += 1) await positionsOf(store, 1, { after: 0, signal })
  const missing = store.subscriptions.open('none', { signal })[Symbol.asyncIterator]()
  expect(await rejectionOf(missing.next())).toMatchObject({ code: 'ConsumerNotFound' })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('an event that cannot be read ends it with its error, behind those before it', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  await store.events.append('note-1', [{ type: 'Noted', data: { total: 1 } }])
  await store.close()
  await using narrow = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { events: events({ order: OrderEvents }), subscriptions: subscriptions() },
  })
  const iterator = narrow.subscriptions.tail({ after: 0 })[Symbol.asyncIterator]()
  expect(await iterator.next()).toMatchObject({ value: { position: 1 } })
  expect(await rejectionOf(iterator.next())).toMatchObject({ code: 'UnknownEventType' })
})

test.each([-1, 1.5, '1', Number.NaN, 2 ** 53])('a place of %j is refused at once', async (after) => {
  const { store } = await newStore(database.pool)
  expect(() => store.subscriptions.tail({ after: after as number })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'after' }) as Error,
  )
})

/** A server of web pages that follow the events of a store. */
async function listen(store: TestStore): Promise<{ url: string; server: Server; left: () => number }> {
  let left = 0
  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.once('close', () => {
      left += 1
      gone.abort()
    })
    const after = Number(request.headers['last-event-id'] ?? 0)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const stream = eventStream(store.subscriptions.tail({ after, signal: gone.signal }), { keepAlive: 20 })
    Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0])
      .on('error', () => response.destroy())
      .pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server, left: () => left }
}

/** Reads messages as a browser does, until there are so many; comments are counted apart. */
async function messagesOf(url: string, count: number, lastEventId?: string) {
  const gone = new AbortController()
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const response = await fetch(url, { headers, signal: gone.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const messages: { id: string; event: string; data: unknown }[] = []
  let comments = 0
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2))) as Record<
        string,
        string
      >
      if (fields['id'] === undefined) comments += 1
      else messages.push({ id: fields['id'], event: fields['event'] ?? '', data: JSON.parse(fields['data'] ?? '') })
    }
    if (messages.length >= count) break
  }
  gone.abort()
  return { messages, comments }
}

test('to a browser and back: it goes on behind the id that it saw last, and its tail ends when it goes', async () => {
  const { store } = await newStore(database.pool)
  const { url, server, left } = await listen(store)
  try {
    await store.events.append('order-1', placed(2))
    await store.events.append('order-1', [{ type: 'OrderShipped', data: { carrier: 'a\n\ndata: b' } }])
    const first = await messagesOf(url, 2)
    expect(first.messages.slice(0, 2)).toEqual([
      { id: '1', event: 'OrderPlaced', data: { total: 1 } },
      { id: '2', event: 'OrderPlaced', data: { total: 2 } },
    ])
    const coming = messagesOf(url, 2, first.messages[1]?.id)
    await until(() => left() >= 1)
    await store.events.append('order-1', placed(1, 3))
    const second = await coming
    expect(second.messages).toEqual([
      { id: '3', event: 'OrderShipped', data: { carrier: 'a\n\ndata: b' } },
      { id: '4', event: 'OrderPlaced', data: { total: 3 } },
    ])
    await until(() => left() === 2)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
