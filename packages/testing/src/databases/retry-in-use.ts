import { setTimeout as pause } from 'node:timers/promises'

const ATTEMPTS = 100
const PAUSE_MS = 50

/** Repeats what the server refuses with 55006 while the backends of closed connections are still on their way out. */
export async function retryInUse<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const inUse = error instanceof Error && 'code' in error && error.code === '55006'
      if (!inUse || attempt === ATTEMPTS) throw error
    }
    await pause(PAUSE_MS)
  }
}
