/**
 * What all of these give. Unlike with `Promise.all` none of them is under way any more when one has failed: its transaction
 * is undone then, and nothing may be sent into the next one.
 */
export async function allSent<Result>(sent: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(sent)
  return Promise.all(sent)
}
