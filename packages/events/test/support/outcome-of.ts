/** The result, or the error; never an unhandled rejection while the test waits for something else. */
export async function settled(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error)
}

/** How a call ended, as far as two of them must agree: `done`, or the code of its error. */
export async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await settled(work)
  if (!(outcome instanceof Error)) return 'done'
  const { code, actual } = outcome as Error & { readonly code?: string; readonly actual?: number }
  return actual === undefined ? { code } : { code, actual }
}

/** What a call rejects with; throws when it does not. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await settled(work)
  if (outcome instanceof Error) return outcome
  throw new Error('it was expected to reject, and did not')
}
