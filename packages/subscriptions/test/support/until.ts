import { setTimeout as pause } from 'node:timers/promises'

const checks = 6_000

/** Waits until `check` holds, for a minute at the most. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < checks; turn += 1) {
    if (await check()) return
    await pause(10)
  }
  throw new Error('it never came to be')
}
