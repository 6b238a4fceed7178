/** Far more than any work of these tests takes: whoever waits longer waits for itself. */
const patienceMs = 60_000

/** Ends the wait for work that never ends: a deadlock is told by name instead of by the end of the test run. */
export async function within<Result>(what: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not ended in ${patienceMs} ms: a deadlock?`)), patienceMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
