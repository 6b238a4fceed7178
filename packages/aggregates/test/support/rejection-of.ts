/** What a call rejects with; throws when it does not. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  let result: unknown
  try {
    result = await work
  } catch (error) {
    return error
  }
  throw new Error(`it was expected to reject, and gave ${JSON.stringify(result)}`)
}
