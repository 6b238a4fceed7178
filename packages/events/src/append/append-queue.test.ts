import { getEventListeners } from 'node:events'
import { ConnectionLostError, DatabaseError, RillflowError, SchemaMissingError } from '@rillflow/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AppendOutcome } from './append-events.js'
import { AppendQueue, type GroupCommitOptions } from './append-queue.js'
import type { PreparedAppend } from './prepare-append.js'
import type { PreparedEvent } from './prepared-event.js'

const event: PreparedEvent = {
  type: 'Added',
  schemaVersion: 1,
  data: '{}',
  headers: null,
  id: '018f0000-0000-7000-8000-000000000000',
  causationId: null,
  correlationId: null,
}

interface Sketch {
  readonly events?: number
  readonly size?: number
  readonly key?: string
}

/** An append that the queue cannot tell from a real one; its category is a name by which the test knows it. */
function sketch(streamId: string, name: string, { events = 1, size = 300, key }: Sketch = {}): PreparedAppend {
  return {
    streamId,
    category: name,
    expected: 'any',
    idempotencyKey: key,
    events: Array.from({ length: events }, () => event),
    size,
  }
}

const landed = (append: PreparedAppend): AppendOutcome => ({
  streamId: append.streamId,
  version: 1,
  position: 1,
  eventIds: [append.category],
})

/** A queue whose statements land when the test says so. */
class Sky {
  readonly queue: AppendQueue
  readonly #flights: { readonly names: readonly string[]; land: () => void; fail: (error: Error) => void }[] = []
  /** How many are out now. */
  out = 0

  constructor(options: GroupCommitOptions = {}) {
    this.queue = new AppendQueue((appends) => this.#take(appends), options)
  }

  /** What has left so far, flight by flight. */
  get left(): readonly (readonly string[])[] {
    return this.#flights.map(({ names }) => names)
  }

  /** Queues an append and gives what its caller gets: the name it landed under, or the code of its error. */
  submit(streamId: string, name: string, how?: Sketch, signal?: AbortSignal): Promise<string> {
    return this.queue.submit(sketch(streamId, name, how), signal).then(
      (outcome) => (outcome instanceof RillflowError ? outcome.code : (outcome.eventIds[0] as string)),
      (error: unknown) => (error as RillflowError).code,
    )
  }

  async land(flight: number): Promise<void> {
    this.#flights[flight]?.land()
    await turn()
  }

  async fail(flight: number, error: Error): Promise<void> {
    this.#flights[flight]?.fail(error)
    await turn()
  }

  #take(appends: readonly PreparedAppend[]): Promise<readonly AppendOutcome[]> {
    this.out += 1
    return new Promise<readonly AppendOutcome[]>((resolve, reject) => {
      const names = appends.map(({ category }) => category)
      this.#flights.push({ names, land: () => resolve(appends.map(landed)), fail: reject })
    }).finally(() => {
      this.out -= 1
    })
  }
}

/** Two turns of the event loop: a departure takes one, and a landing may schedule it in between. */
async function turn(): Promise<void> {
  for (let step = 0; step < 2; step += 1) await new Promise((resolve) => setImmediate(resolve))
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('departure', () => {
  test('a lone append leaves at once and alone', async () => {
    const sky = new Sky()
    const appended = sky.submit('s', 'a')
    await turn()
    expect(sky.left).toEqual([['a']])
    await sky.land(0)
    expect(await appended).toBe('a')
  })

  test('appends of one turn leave together; those that come later leave as one when it lands', async () => {
    const sky = new Sky()
    const first = [sky.submit('s', 'a'), sky.submit('t', 'b')]
    await turn()
    const second = [sky.submit('u', 'c'), sky.submit('s', 'd'), sky.submit('s', 'e')]
    await turn()
    expect(sky.left).toEqual([['a', 'b']])
    await sky.land(0)
    expect(sky.left).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    await sky.land(1)
    expect(await Promise.all([...first, ...second])).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('from 40 events on, waiting and out, two flights carry half of them each, and a third never leaves', async () => {
    const sky = new Sky()
    void sky.submit('first', 'first')
    await turn()
    for (const name of names('a', 19)) void sky.submit(name, name, { events: 2 })
    await turn()
    expect(sky.left).toHaveLength(1)
    void sky.submit('a19', 'a19', { events: 2 })
    await turn()
    expect(sky.left[1]).toEqual(names('a', 10))
    for (const name of names('b', 300)) void sky.submit(name, name)
    await turn()
    expect({ flights: sky.left.length, out: sky.out }).toEqual({ flights: 2, out: 2 })
    await sky.land(0)
    expect(sky.left[2]).toEqual([...names('a', 20).slice(10), ...names('b', 150)])
    expect(sky.out).toBe(2)
  })

  test('a stream that is out is not sent again before it lands, and keeps its order', async () => {
    const sky = new Sky()
    void sky.submit('hot', 'hot-1')
    await turn()
    void sky.submit('hot', 'hot-2')
    for (const name of names('a', 200)) void sky.submit(name, name)
    void sky.submit('hot', 'hot-3')
    await turn()
    expect(sky.left[1]).toEqual(names('a', 102))
    await sky.land(1)
    expect(sky.left[2]).toEqual(names('a', 153).slice(102))
    await sky.land(0)
    expect(sky.left[3]).toEqual(['hot-2', ...names('a', 200).slice(153), 'hot-3'])
  })
})

describe('load', () => {
  test('a flight takes 1,000 events, and nobody overtakes an append of its own stream', async () => {
    const sky = new Sky()
    void sky.submit('a', 'a', { events: 600 })
    void sky.submit('b', 'b-1', { events: 500 })
    void sky.submit('b', 'b-2')
    void sky.submit('c', 'c', { events: 400 })
    await turn()
    expect(sky.left).toEqual([
      ['a', 'c'],
      ['b-1', 'b-2'],
    ])
  })

  test('an append that is larger than a flight leaves alone', async () => {
    const sky = new Sky()
    void sky.submit('small', 'small')
    void sky.submit('huge', 'huge', { events: 10_000 })
    void sky.submit('late', 'late')
    await turn()
    await sky.land(0)
    expect(sky.left).toEqual([['small', 'late'], ['huge']])
  })

  test('a flight takes 8 MiB', async () => {
    const sky = new Sky()
    const mebibyte = 1024 * 1024
    for (const name of names('a', 3)) void sky.submit(name, name, { size: 3 * mebibyte })
    await turn()
    await sky.land(0)
    expect(sky.left).toEqual([['a0', 'a1'], ['a2']])
  })

  test('a key never shares a flight with an earlier append of its stream', async () => {
    const sky = new Sky()
    void sky.submit('s', 'first', { key: 'k' })
    void sky.submit('s', 'again', { key: 'k' })
    void sky.submit('t', 'other', { key: 'k' })
    void sky.submit('s', 'plain')
    await turn()
    await sky.land(0)
    expect(sky.left).toEqual([
      ['first', 'other'],
      ['again', 'plain'],
    ])
  })
})

const refused = new DatabaseError('refused', { sqlState: 'P0001', cause: undefined })

describe('a flight that fails', () => {
  test('is sent again one by one, in order, and the bad one fails alone', async () => {
    const sky = new Sky()
    const appended = ['a', 'b', 'c'].map((name) => sky.submit(name, name))
    await turn()
    await sky.fail(0, refused)
    expect(sky.left).toEqual([['a', 'b', 'c'], ['a']])
    await sky.land(1)
    await sky.fail(2, refused)
    await sky.land(3)
    expect(sky.left.slice(1)).toEqual([['a'], ['b'], ['c']])
    expect(await Promise.all(appended)).toEqual(['a', 'DatabaseError', 'c'])
  })

  test('counts as one flight until its last append is settled', async () => {
    const sky = new Sky()
    for (const name of ['a', 'b']) void sky.submit(name, name)
    await turn()
    void sky.submit('late', 'late')
    await sky.fail(0, refused)
    await sky.land(1)
    expect(sky.left).toEqual([['a', 'b'], ['a'], ['b']])
    await sky.land(2)
    expect(sky.left[3]).toEqual(['late'])
  })

  test('alone is not sent again', async () => {
    const sky = new Sky()
    const appended = sky.submit('a', 'a')
    await turn()
    await sky.fail(0, refused)
    expect(await appended).toBe('DatabaseError')
    expect(sky.left).toHaveLength(1)
  })

  // Only an answer of the server says that nothing was stored; sent again, the appends might be stored twice.
  test.each([
    ['ConnectionLost', new ConnectionLostError('lost', undefined)],
    ['SchemaMissing', new SchemaMissingError('missing', undefined)],
    ['DriverError', new TypeError('a driver that stumbles over the answer')],
  ])('by %s is not sent again', async (code, error) => {
    const sky = new Sky()
    const appended = ['a', 'b'].map((name) => sky.submit(name, name))
    await turn()
    await sky.fail(0, error)
    expect(sky.left).toHaveLength(1)
    expect(await Promise.all(appended)).toEqual([code, code])
  })
})

describe('limits and signals', () => {
  test('one more than the queue takes is refused, and the others are not', async () => {
    const sky = new Sky({ maxQueued: 2 })
    void sky.submit('out', 'out')
    await turn()
    const appended = ['a', 'b', 'c'].map((name) => sky.submit(name, name))
    expect(await appended[2]).toBe('Overloaded')
    await sky.land(0)
    await sky.land(1)
    expect(await Promise.all(appended)).toEqual(['a', 'b', 'Overloaded'])
    expect(sky.left).toEqual([['out'], ['a', 'b']])
  })

  test('a signal withdraws what waits, and not what has left', async () => {
    const sky = new Sky()
    const controllers = [new AbortController(), new AbortController()] as const
    const out = sky.submit('s', 'out', {}, controllers[0].signal)
    await turn()
    const waiting = sky.submit('t', 'waiting', {}, controllers[1].signal)
    const after = sky.submit('t', 'after')
    for (const controller of controllers) controller.abort()
    expect(await waiting).toBe('Aborted')
    await sky.land(0)
    await sky.land(1)
    expect(await Promise.all([out, after])).toEqual(['out', 'after'])
    expect(sky.left).toEqual([['out'], ['after']])
  })

  test('an aborted signal queues nothing, and its reason is the cause', async () => {
    const sky = new Sky()
    const reason = new Error('changed my mind')
    const append = sky.queue.submit(sketch('s', 'a'), AbortSignal.abort(reason))
    await expect(append).rejects.toMatchObject({ code: 'Aborted', streamId: 's', cause: reason })
    await turn()
    expect(sky.left).toEqual([])
  })

  test('a signal that lives long keeps no listener, however its append ended', async () => {
    const sky = new Sky({ maxQueued: 3 })
    const { signal } = new AbortController()
    const ends = names('a', 4).map((name) => sky.submit(name, name, {}, signal))
    await turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(3)
    await sky.fail(0, new ConnectionLostError('lost', undefined))
    expect(await Promise.all(ends)).toEqual(['ConnectionLost', 'ConnectionLost', 'ConnectionLost', 'Overloaded'])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('whatever comes and lands when: each is settled once, as itself, and each stream in its order', async () => {
  const stream = fc.constantFrom('a', 'b', 'c')
  const steps = fc.array(
    fc.oneof(
      fc.record({ streamId: stream, events: fc.integer({ min: 1, max: 700 }), keyed: fc.boolean() }),
      fc.constantFrom('turn' as const, 'land' as const, 'fail' as const),
    ),
    { maxLength: 60 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const sky = new Sky()
      const submitted: { streamId: string; name: string; end: Promise<string> }[] = []
      let next = 0
      for (const step of list) {
        if (step === 'turn') await turn()
        else if (typeof step === 'string') {
          if (next >= sky.left.length) continue
          if (step === 'land') await sky.land(next++)
          else await sky.fail(next++, refused)
        } else {
          const name = String(submitted.length)
          const { streamId, events, keyed } = step
          submitted.push({
            streamId,
            name,
            end: sky.submit(streamId, name, keyed ? { events, key: name } : { events }),
          })
        }
        expect(sky.out).toBeLessThanOrEqual(2)
      }
      await turn()
      // At most each append with a flight of its own, after a failure with another.
      for (let rest = 0; rest < 2 * list.length && next < sky.left.length; rest += 1) await sky.land(next++)
      const ends = await Promise.all(submitted.map(({ end }) => end))
      expect(ends.map((end, index) => end === String(index) || end === 'DatabaseError')).not.toContain(false)
      const order = [...new Set(sky.left.flat())]
      for (const streamId of ['a', 'b', 'c']) {
        const own = submitted.filter((each) => each.streamId === streamId).map(({ name }) => name)
        expect(order.filter((name) => own.includes(name))).toEqual(own)
      }
    }),
    { numRuns: 200 },
  )
})
