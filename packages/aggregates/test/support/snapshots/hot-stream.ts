import { expect } from 'vitest'
import { Account } from '../account.js'
import type { TestStore } from '../test-store.js'

/** How one deposit went. */
export interface Deposit {
  readonly amount: number
  readonly version: number
  readonly attempts: number
}

/** Every amount was acknowledged once and is stored once, at the version that its caller was told. */
export async function expectEachOnce(store: TestStore, id: string, done: readonly Deposit[]): Promise<void> {
  const acknowledged = done.toSorted((one, other) => one.version - other.version)
  expect(acknowledged.map(({ version }) => version)).toEqual(done.map((_, index) => index + 1))
  const events = await store.events.readStream(id).toArray()
  expect(events.map(({ version }) => version)).toEqual(done.map((_, index) => index + 1))
  const amounts = events.map((event) => (event.type === 'Deposited' ? event.data.amount : undefined))
  expect(amounts).toEqual(acknowledged.map(({ amount }) => amount))
  expect(new Set(amounts).size).toBe(done.length)
  const balance = done.reduce((sum, { amount }) => sum + amount, 0)
  expect(await store.aggregates.load(Account, id)).toMatchObject({
    version: done.length,
    state: { balance, changes: done.length },
  })
}

/** One line about the rate: to be looked at, never to be judged by. */
export function describeRate(what: string, done: readonly Deposit[], milliseconds: number): string {
  const attempts = done.map((each) => each.attempts)
  const total = attempts.reduce((sum, each) => sum + each, 0)
  const overTen = attempts.filter((each) => each > 10).length
  const rate = Math.round((done.length / milliseconds) * 1_000)
  return `${what}: ${done.length} executions on one stream, ${rate} per second, ${total} attempts, at the most ${Math.max(...attempts)} for one, ${overTen} took more than the usual 10`
}
