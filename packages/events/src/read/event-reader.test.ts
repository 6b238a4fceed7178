import { describe, expect, test } from 'vitest'
import { pagedReader, type Page, type ReadPage } from './event-reader.js'

/** Pages of the numbers up to `last`; remembers what was asked for and what is under way. */
class Numbers {
  readonly asked: (readonly [after: number, size: number | undefined])[] = []
  readonly #last: number
  readonly #skip: (n: number) => boolean
  underWay = 0
  failAfter = Number.POSITIVE_INFINITY

  constructor(last: number, skip: (n: number) => boolean = () => false) {
    this.#last = last
    this.#skip = skip
  }

  readonly read: ReadPage<number> = async (after = 0, size = Number.POSITIVE_INFINITY): Promise<Page<number>> => {
    this.asked.push([after, size])
    this.underWay += 1
    await new Promise((resolve) => setImmediate(resolve))
    this.underWay -= 1
    if (after >= this.failAfter) throw new Error(`no page after ${after}`)
    const rows = Array.from(
      { length: Math.max(0, Math.min(size, this.#last - after)) },
      (_, index) => after + index + 1,
    )
    return { events: rows.filter((n) => !this.#skip(n)), rows: rows.length, last: rows.at(-1) }
  }
}

async function collect(reader: AsyncIterable<number>, until = Number.POSITIVE_INFINITY): Promise<number[]> {
  const seen: number[] = []
  for await (const n of reader) {
    seen.push(n)
    if (n >= until) break
  }
  return seen
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

describe.each([undefined, 0, 1, 4, 5, 6, 10, 11, 100])('limit %s', (limit) => {
  test.each([0, 1, 4, 5, 6, 10, 11])('of %d events comes whole and in order', async (last) => {
    const numbers = new Numbers(last)
    const reader = pagedReader(numbers.read, { pageSize: 5, limit })
    expect(await collect(reader)).toEqual(upTo(Math.min(last, limit ?? last)))
    for (const [, size] of numbers.asked) expect(size).toBeLessThanOrEqual(5)
  })
})

test('a page that is skipped whole does not end the reading', async () => {
  const numbers = new Numbers(20, (n) => n > 5 && n <= 15)
  expect(await collect(pagedReader(numbers.read, { pageSize: 5, limit: undefined }))).toEqual([
    1, 2, 3, 4, 5, 16, 17, 18, 19, 20,
  ])
})

test('one page is fetched ahead, and never two', async () => {
  const numbers = new Numbers(100)
  for await (const n of pagedReader(numbers.read, { pageSize: 10, limit: undefined })) {
    expect(numbers.underWay).toBeLessThanOrEqual(1)
    expect(numbers.asked.length).toBe(Math.min(11, Math.ceil(n / 10) + 1))
  }
})

test('who stops early leaves nothing under way', async () => {
  const numbers = new Numbers(100)
  expect(await collect(pagedReader(numbers.read, { pageSize: 10, limit: undefined }), 13)).toEqual(upTo(13))
  expect(numbers.asked).toHaveLength(3)
  expect(numbers.underWay).toBe(0)
})

test('an error in the page that was fetched ahead comes after the events before it', async () => {
  const numbers = new Numbers(100)
  numbers.failAfter = 10
  const seen: number[] = []
  const reading = (async () => {
    for await (const n of pagedReader(numbers.read, { pageSize: 5, limit: undefined })) seen.push(n)
  })()
  await expect(reading).rejects.toThrow('no page after 10')
  expect(seen).toEqual(upTo(10))
})

test('an error in a page that nobody comes to is nobody’s', async () => {
  const numbers = new Numbers(100)
  numbers.failAfter = 5
  expect(await collect(pagedReader(numbers.read, { pageSize: 5, limit: undefined }), 5)).toEqual(upTo(5))
  expect(numbers.underWay).toBe(0)
})
