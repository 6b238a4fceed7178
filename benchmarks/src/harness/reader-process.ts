import { setTimeout as pause } from 'node:timers/promises'
import { now } from '../stores/events/feed.js'
import { feeds } from '../stores/events/feeds.js'

// A reader that lags gets as long as it needs: what has not come when nothing comes any more has been lost.
const QUIET_MS = 3_000
// Once everything has come, only a second delivery can follow.
const DOUBLES_MS = 1_000
const LONGEST_MS = 300_000

/** What a reader has seen: the numbers of the events, and when. */
export type Seen = readonly (readonly [number: number, at: number])[]

// The reader of a wake-up round. It says that it is ready when the first event arrives, and what it saw when asked.
const [name = '', url = ''] = process.argv.slice(2)
const feed = feeds[name]
if (!feed) throw new Error(`There is no feed ${name}.`)
const seen: [number: number, at: number][] = []
const numbers = new Set<number>()
await feed.follow(url, (number) => {
  seen.push([number, now()])
  numbers.add(number)
  if (seen.length === 1) process.send?.('ready')
})
process.on('message', (expected: readonly number[]) => {
  void quiet(expected).then(() => process.send?.(seen satisfies Seen, () => process.exit()))
})
process.on('disconnect', () => process.exit())

async function quiet(expected: readonly number[]): Promise<void> {
  const asked = now()
  const longest = (): number => (expected.every((number) => numbers.has(number)) ? DOUBLES_MS : QUIET_MS)
  const rest = (): number => Math.max(asked, seen.at(-1)?.[1] ?? 0) + longest() - now()
  while (rest() > 0 && now() - asked < LONGEST_MS) await pause(Math.max(1, rest()))
}
