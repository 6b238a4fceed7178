// The frame of every child process: takes its job and the parent's words by IPC, and ends when the parent does.

/** A child that hears nothing for this long ends itself; no test takes longer. */
const lifetimeMs = 15 * 60_000

/**
 * Runs `work(job, parent)` and tells the parent what it returned, or why it failed.
 *
 * `parent.ready()` says that everything is open and waits for the word to begin; `parent.heard(kind)` is the last
 * message of that kind, undefined before there is one.
 */
export function runChild(work) {
  const heard = new Map()
  const waiting = new Map()
  const next = (kind) =>
    new Promise((resolve) => (heard.has(kind) ? resolve(heard.get(kind)) : waiting.set(kind, resolve)))
  process.on('message', (message) => {
    heard.set(message.kind, message)
    waiting.get(message.kind)?.(message)
  })
  process.on('disconnect', () => process.exit(1))
  setTimeout(() => process.exit(1), lifetimeMs).unref()
  const parent = {
    ready: () => {
      process.send({ kind: 'ready' })
      return next('go')
    },
    heard: (kind) => heard.get(kind),
  }
  next('job')
    .then(({ job }) => work(job, parent))
    .then(
      (result) => tell({ kind: 'done', result }),
      (error) => tell({ kind: 'failed', error: error?.stack ?? String(error), cause: String(error?.cause) }),
    )
}

function tell(message) {
  process.send(message, () => process.exit(0))
}
