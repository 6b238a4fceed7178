/** What `work` throws; fails the test when it throws nothing. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('it was expected to throw, and did not')
}

/** What `promise` rejects with; fails the test when it does not reject. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    () => ({ rejected: false }) as const,
    (reason: unknown) => ({ rejected: true, reason }) as const,
  )
  if (settled.rejected) return settled.reason
  throw new Error('it was expected to reject, and did not')
}
