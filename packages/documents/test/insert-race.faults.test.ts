import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createStore, typed } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import { expect, test } from 'vitest'
import { defineCollection, documents } from '../src/index.js'

const racerFile = fileURLToPath(new URL('fixtures/insert-racer.mjs', import.meta.url))
const rounds = Number(process.env['RILLFLOW_ROUNDS'] ?? 100)

interface Attempt {
  readonly by?: string
  readonly version?: number
  readonly code?: string
  readonly expected?: number
  readonly actual?: number
}

/** A process that answers each line with one line. */
class Racer {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(url: string, name: string) {
    this.#process = spawn(process.execPath, [racerFile, url, name], { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#process.stdout === null) throw new Error('the racer has no output')
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the racer ended before its answer')
    return value
  }

  async run(round: string): Promise<readonly Attempt[]> {
    this.#process.stdin?.write(`${round}\n`)
    return JSON.parse(await this.line()) as readonly Attempt[]
  }

  async stop(): Promise<void> {
    const ended = this.#process.exitCode === null ? once(this.#process, 'exit') : undefined
    this.#process.stdin?.end()
    await ended
  }
}

test(`4 processes × 4 connections put one new document with expected 0, ${rounds} times: one wins each`, async () => {
  const built = fileURLToPath(new URL('../dist/index.js', import.meta.url))
  expect(existsSync(built), 'build first: pnpm --filter @rillflow/documents... build').toBe(true)
  await using server = await startPostgres({ from: 'embedded' })
  const Item = defineCollection('items', { schema: typed<{ id: string; by: string }>() })
  await using store = createStore({ connection: server.url, modules: { docs: documents({ items: Item }) } })
  await sync(store)

  const racers = ['a', 'b', 'c', 'd'].map((name) => new Racer(server.url, name))
  try {
    await Promise.all(racers.map((racer) => racer.line()))
    for (let round = 1; round <= rounds; round += 1) {
      const id = `round-${round}`
      const attempts = (await Promise.all(racers.map((racer) => racer.run(id)))).flat()
      const winners = attempts.filter(({ version }) => version !== undefined)
      const losers = attempts.filter(({ version }) => version === undefined)
      expect(winners).toEqual([{ by: expect.any(String) as string, version: 1 }])
      expect(losers).toHaveLength(15)
      for (const loser of losers) expect(loser).toMatchObject({ code: 'VersionConflict', expected: 0, actual: 1 })
      expect(await store.docs.items.get(id)).toEqual({ id, by: winners[0]?.by })
    }
  } finally {
    await Promise.all(racers.map((racer) => racer.stop()))
  }
})
