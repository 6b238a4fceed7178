import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const living = new Set()
let stopping

/** The exit code that a shell would give a process which this signal ended. */
const exitCodeOf = (signal) => 128 + (constants.signals[signal] ?? 0)

function follow(child, signalIt) {
  const entry = { child, signalIt }
  living.add(entry)
  return new Promise((resolve) => {
    child.once('error', (error) => {
      living.delete(entry)
      resolve({ code: 127, reason: error.message })
    })
    child.once('close', (code, signal) => {
      living.delete(entry)
      resolve({ code: code ?? exitCodeOf(signal), reason: signal ? `ended by ${signal}` : `exit ${code}` })
    })
  })
}

/** Runs a command with this terminal as its own; resolves to `{ code, reason }`. */
export function runInForeground(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: 'inherit' })
  return follow(child, (signal) => child.kill(signal))
}

/** Runs a line of shell and keeps what it prints; resolves to `{ code, reason, output, seconds }`. */
export async function runQuietly(line, options) {
  const started = performance.now()
  // A group of its own: a check starts children too, and one signal to the group ends them all.
  const child = spawn(line, { ...options, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  child.stdout.on('data', (chunk) => output.push(chunk))
  child.stderr.on('data', (chunk) => output.push(chunk))
  const end = await follow(child, (signal) => child.pid !== undefined && process.kill(-child.pid, signal))
  return { ...end, output: Buffer.concat(output).toString(), seconds: (performance.now() - started) / 1000 }
}

/** From here on, Ctrl-C and SIGTERM end the children first and this process after them. */
export function endChildrenOnSignal() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal))
}

function stop(signal) {
  const repeated = stopping !== undefined
  stopping ??= signal
  process.exitCode = exitCodeOf(stopping)
  for (const { signalIt } of living) {
    try {
      signalIt(repeated ? 'SIGKILL' : signal)
    } catch {
      // It ended between the signal and this line.
    }
  }
}

/** The exit code of the signal that asked this process to stop, or undefined. */
export function stopCode() {
  return stopping && exitCodeOf(stopping)
}
