import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Seen } from './reader-process.js'

const SCRIPT = fileURLToPath(new URL('reader-process.js', import.meta.url))

/** A reader in another process. */
export interface Reader extends Disposable {
  /** Resolves when the reader has seen its first event; rejects when it ends before that. */
  readonly ready: Promise<void>
  /** What it has seen, once all of `expected` have come or nothing comes any more; it ends with that. */
  report(expected: readonly number[]): Promise<Seen>
}

/** Starts a reader of one of the feeds. */
export function startReader(feed: string, url: string): Reader {
  const child = fork(SCRIPT, [feed, url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(() => {
    throw new Error('the reader ended before it had told what it saw')
  })
  ended.catch(() => undefined)
  const message = async (): Promise<unknown> => {
    const [value] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
    return value
  }
  const ready = message().then(() => undefined)
  ready.catch(() => undefined)
  return {
    ready,
    report: async (expected) => {
      const answer = message()
      child.send(expected)
      return (await answer) as Seen
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}
