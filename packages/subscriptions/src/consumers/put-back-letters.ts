import type { Lease } from './lease.js'
import { isParked, readAside, type RequeuedLetter } from './letters.js'

/** What of a consumer is put aside when its worker begins with what is new. */
export interface PutAside {
  /** Streams of which later events must wait; the worker adds to them. */
  readonly parked: Set<string>
  /** Positions of events that were put aside alone, before the checkpoint could pass them. */
  readonly ahead: ReadonlySet<number>
}

/**
 * Has tried again what an operator has put back, in the order of positions, and tells what is aside after that. `tryAgain`
 * gives false for an event that failed again: then those behind it in its stream are not tried either.
 */
export async function putBackLetters(
  lease: Lease,
  stopping: AbortSignal,
  tryAgain: (letter: RequeuedLetter) => Promise<boolean>,
): Promise<PutAside> {
  const { parked: stored, requeued, ahead } = await readAside(lease)
  const parked = new Set(stored)
  const failed = new Set<string>()
  for (const letter of requeued) {
    stopping.throwIfAborted()
    if (letter.parks && failed.has(letter.streamId)) continue
    const isDone = await tryAgain(letter)
    // Nothing waits for one that was put aside alone.
    if (!letter.parks) continue
    if (!isDone) failed.add(letter.streamId)
    else if (!(await isParked(lease, letter.streamId))) parked.delete(letter.streamId)
  }
  return { parked, ahead }
}
