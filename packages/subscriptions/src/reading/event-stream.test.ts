import type { StoredEvent } from '@rillflow/events'
import { expect, test } from 'vitest'
import { eventStream } from './event-stream.js'

/** An event of which only this much matters here. */
function event(position: number, type: string, data: unknown): StoredEvent {
  return { position, type, data } as unknown as StoredEvent
}

async function* some(...events: readonly StoredEvent[]): AsyncGenerator<StoredEvent, void, undefined> {
  yield* events
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text()
}

test('each event is a message: its position as id, its type, its data as JSON', async () => {
  const stream = eventStream(some(event(7, 'OrderPlaced', { total: 9 }), event(9, 'OrderShipped', null)))
  expect(await textOf(stream)).toBe(
    'id: 7\nevent: OrderPlaced\ndata: {"total":9}\n\nid: 9\nevent: OrderShipped\ndata: null\n\n',
  )
})

test.each([
  ['line breaks', 'a\r\nb\nc\rd', 'a  b c d'],
  ['what looks like another field', 'x\ndata: {"admin":true}', 'x data: {"admin":true}'],
  ['what looks like the end of the message', 'x\n\nid: 1', 'x  id: 1'],
  ['colons and spaces', ': x', ': x'],
  ['line separators of JavaScript', 'a\u2028b\u0085c', 'a\u2028b\u0085c'],
])('a type with %s stays one line', async (_, type, line) => {
  expect(await textOf(eventStream(some(event(1, type, {}))))).toBe(`id: 1\nevent: ${line}\ndata: {}\n\n`)
})

test('data of any kind stays one line, and comes back as it was', async () => {
  for (const data of ['a\r\n\r\nid: 9\ndata: x', { text: '\n\n\u2028' }, [null, '\r'], 'data: x', 0, false]) {
    const text = await textOf(eventStream(some(event(1, 'T', data))))
    const [id, type, line, ...rest] = text.split(/\r\n|\r|\n/)
    expect([id, type, rest]).toEqual(['id: 1', 'event: T', ['', '']])
    expect(JSON.parse(line?.slice('data: '.length) ?? '')).toEqual(data)
  }
})

test('what a message holds can be told', async () => {
  const data = ({ type }: StoredEvent): unknown => (type === 'B' ? undefined : { type })
  const stream = eventStream(some(event(1, 'A', 'secret'), event(2, 'B', 'secret')), { data })
  expect(await textOf(stream)).toBe('id: 1\nevent: A\ndata: {"type":"A"}\n\nid: 2\nevent: B\ndata: null\n\n')
})

test('in silence a comment is sent now and then, and no event is lost for it', async () => {
  let give: (event: StoredEvent) => void = () => undefined
  async function* slow(): AsyncGenerator<StoredEvent, void, undefined> {
    yield await new Promise<StoredEvent>((resolve) => (give = resolve))
  }
  const reader = eventStream(slow(), { keepAlive: 1 }).getReader()
  const decoder = new TextDecoder()
  for (let comments = 0; comments < 5; comments += 1) {
    expect(decoder.decode((await reader.read()).value)).toBe(': \n\n')
  }
  give(event(1, 'A', {}))
  let chunk = ''
  for (let reads = 0; reads < 1_000 && !chunk.startsWith('id'); reads += 1) {
    chunk = decoder.decode((await reader.read()).value)
  }
  expect(chunk).toBe('id: 1\nevent: A\ndata: {}\n\n')
  expect(await reader.read()).toEqual({ done: true, value: undefined })
})

test("a reader that goes lets the events go, and an error on the way out is nobody's", async () => {
  let returned = 0
  const events: AsyncIterable<StoredEvent> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        returned += 1
        throw new Error('too late')
      },
    }),
  }
  const reader = eventStream(events).getReader()
  void reader.read()
  await reader.cancel()
  expect(returned).toBe(1)
})

test('an error of the events is one of the stream', async () => {
  async function* broken(): AsyncGenerator<StoredEvent, void, undefined> {
    yield event(1, 'A', {})
    throw new Error('cannot be read')
  }
  await expect(textOf(eventStream(broken()))).rejects.toThrow('cannot be read')
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1'])('keepAlive of %j is refused', (keepAlive) => {
  expect(() => eventStream(some(), { keepAlive: keepAlive as number })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'keepAlive' }) as Error,
  )
})
