import type { StartOptions } from './postgres-server.js'

type Settings = Readonly<Record<string, string | number | boolean>>

/** The settings that a server started for tests gets; the caller's own come last and win. */
export function serverSettings(options: Pick<StartOptions, 'durable' | 'settings'>): Settings {
  return { ...(options.durable ? {} : FAST), ...LOGGING, ...options.settings }
}

/** Settings as arguments of `postgres`. */
export function settingArguments(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

// synchronous_commit stays on: with it off, a killed server loses commits that it has acknowledged.
const FAST = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'on', jit: 'off' } as const

// Time, process, database and SQLSTATE lead each line, so that a test can find its own errors.
const LOGGING = { log_line_prefix: '%m [%p] %q%d %e ', log_error_verbosity: 'default' } as const
