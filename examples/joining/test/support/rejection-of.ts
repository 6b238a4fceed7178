/** What `promise` rejects with; fails the test when it does not reject. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    () => ({ rejected: false }) as const,
    (reason: unknown) => ({ rejected: true, reason }) as const,
  )
  if (settled.rejected) return settled.reason
  throw new Error('it was expected to reject, and did not')
}
