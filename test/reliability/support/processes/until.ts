import { setTimeout as pause } from 'node:timers/promises'

const pauseMs = 20
/** Far more than anything here takes: whoever waits longer waits for what never comes. */
const patienceMs = process.env['RILLFLOW_LONG'] === '1' ? 300_000 : 240_000

/** Waits until it is so; a failing look ends the wait. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`it never came to this: ${what}`)
    await pause(pauseMs)
  }
}
