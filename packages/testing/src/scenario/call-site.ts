/** The lines of a stack from one caller outwards. */
export type CallSite = string

/**
 * Where `callee` was called.
 *
 * Scenarios run later than they are written, when the stack no longer knows the line of the test.
 */
export function callSiteOf(callee: (...parameters: never[]) => unknown): CallSite {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, callee)
  const { stack = '' } = holder
  const frames = stack.indexOf('\n    at ')
  return frames === -1 ? '' : stack.slice(frames)
}

/** Gives an error the stack of the line that it is about. */
export function placedAt<Failure extends Error>(site: CallSite, error: Failure): Failure {
  const code = 'code' in error ? ` [${String(error.code)}]` : ''
  // As Node makes it; not enumerable, or each inspection would print it twice.
  Object.defineProperty(error, 'stack', {
    value: `${error.name}${code}: ${error.message}${site}`,
    configurable: true,
    writable: true,
  })
  return error
}
