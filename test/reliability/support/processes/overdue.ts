/** A limit that no work of these tests comes near by itself, in milliseconds. */
export const limit = 3_599_999

/**
 * Gives what ends the time of the work that was begun last: it must be over for some, and never for others, however slow
 * the machine is.
 */
export function watchLimits(): () => () => void {
  const setTimer = globalThis.setTimeout
  let latest: () => void = () => undefined
  const watching = (callback: (...args: readonly unknown[]) => void, milliseconds?: number, ...args: unknown[]) => {
    if (milliseconds === limit) latest = () => callback(...args)
    return setTimer(callback, milliseconds, ...args)
  }
  globalThis.setTimeout = Object.assign(watching, setTimer)
  return () => latest
}
