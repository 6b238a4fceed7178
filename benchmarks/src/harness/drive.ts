import { percentiles } from './statistics.js'
import type { Round } from './suite.js'

/** How a round is driven. */
export interface Drive {
  readonly callers: number
  readonly seconds: number
  /** Units of the suite in one call; 1 unless told. */
  readonly unitsPerCall?: number | undefined
  /** One call of one caller, awaited before its next. */
  readonly call: (caller: number) => Promise<unknown>
}

/** Lets `callers` call without pause for about `seconds`, and tells units per second and the latency of a call. */
export async function drive({ callers, seconds, unitsPerCall = 1, call }: Drive): Promise<Round> {
  const latencies: number[] = []
  const start = performance.now()
  const deadline = start + seconds * 1_000
  const run = async (caller: number): Promise<void> => {
    for (let now = performance.now(); now < deadline;) {
      await call(caller)
      const done = performance.now()
      latencies.push(done - now)
      now = done
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)))
  // To the end of the last call, not to the deadline: what is counted has been done.
  const elapsed = (performance.now() - start) / 1_000
  return { value: (latencies.length * unitsPerCall) / elapsed, latency: percentiles(latencies) }
}
