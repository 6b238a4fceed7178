import type { Anomaly, AnomalyName } from './anomaly.js'
import type { RegisterOperation } from './register-operation.js'

/** An operation at its place in the order that the versions give. */
interface Placed {
  readonly begin: number
  readonly end: number
  /** A write stands at its version, and what saw that version between it and the next. */
  readonly place: number
  readonly subject: string
}

/**
 * Tells whether each register is linearizable. The versions give the order of its writes; every value is written once,
 * so each read has its place between two of them; what is left to check is that this order agrees with the clock.
 */
export function checkRegisters(operations: readonly RegisterOperation[]): readonly Anomaly[] {
  const registers = new Map<string, RegisterOperation[]>()
  for (const operation of operations) {
    const known = registers.get(operation.register)
    if (known === undefined) registers.set(operation.register, [operation])
    else known.push(operation)
  }
  return [...registers].flatMap(([name, own]) => new RegisterCheck(name, own).run())
}

class RegisterCheck {
  readonly #name: string
  readonly #operations: readonly RegisterOperation[]
  readonly #writerOfValue = new Map<string, RegisterOperation>()
  readonly #writerOfVersion = new Map<number, RegisterOperation>()
  readonly #versionOf = new Map<RegisterOperation, number>()
  readonly #anomalies: Anomaly[] = []

  constructor(name: string, operations: readonly RegisterOperation[]) {
    this.#name = name
    this.#operations = operations
  }

  run(): readonly Anomaly[] {
    const writes = this.#operations.filter(({ kind }) => kind !== 'read')
    for (const write of writes) if (write.value !== undefined) this.#writerOfValue.set(write.value, write)
    for (const write of writes) this.#placeWrite(write)
    const reads = this.#operations.filter(({ kind, outcome }) => kind === 'read' && outcome === 'ok')
    // Those that tell a version first: they place writes whose outcome nobody knew.
    for (const read of reads) if (read.version !== undefined) this.#checkRead(read)
    for (const read of reads) if (read.version === undefined) this.#checkRead(read)
    for (const write of writes) this.#checkWrite(write)
    this.#checkHoles(writes)
    this.#checkClock()
    return this.#anomalies
  }

  #report(name: AnomalyName, operation: RegisterOperation | undefined, detail: string): void {
    const what = operation === undefined ? '' : ` ${operation.kind} of ${operation.value ?? 'nothing'}:`
    this.#anomalies.push({ name, subject: `${this.#name}:${what} ${detail}` })
  }

  #placeWrite(write: RegisterOperation): void {
    if (write.outcome === 'ok') this.#place(write, write.version ?? 0)
  }

  #place(write: RegisterOperation, version: number): void {
    const other = this.#writerOfVersion.get(version)
    if (other !== undefined && other !== write) {
      this.#report('lost update', write, `version ${version} is also that of ${other.value ?? 'nothing'}`)
    }
    this.#writerOfVersion.set(version, write)
    this.#versionOf.set(write, version)
  }

  #checkRead(read: RegisterOperation): void {
    if (read.value === undefined) return
    const writer = this.#writerOfValue.get(read.value)
    if (writer === undefined || writer.outcome === 'refused' || writer.outcome === 'failed') {
      this.#report(writer === undefined ? 'phantom' : 'G1a', read, 'nobody has stored that')
      return
    }
    const known = this.#versionOf.get(writer)
    if (known === undefined && read.version !== undefined) this.#place(writer, read.version)
    else if (read.version !== undefined && known !== read.version) {
      this.#report('wrong value', read, `seen as version ${read.version}, written as ${known}`)
    }
  }

  #checkWrite(write: RegisterOperation): void {
    const { outcome, expected } = write
    const version = this.#versionOf.get(write)
    if (outcome === 'refused' && write.version === expected) this.#report('false conflict', write, `at ${expected}`)
    if (version === undefined) return
    if (expected !== undefined && version !== expected + 1) {
      this.#report('wrong expectation', write, `expected ${expected} and made ${version}`)
    }
    if (write.kind === 'change') this.#checkSeen(write, version)
  }

  /** What a change read must be what it has replaced. */
  #checkSeen(write: RegisterOperation, version: number): void {
    const before = write.saw === undefined ? undefined : this.#writerOfValue.get(write.saw)
    const seen = before === undefined ? 0 : this.#versionOf.get(before)
    if (seen !== undefined && seen !== version - 1) {
      this.#report('lost update', write, `saw version ${seen} and replaced ${version - 1}`)
    }
  }

  /** A version that nobody was told of is that of a write whose outcome nobody was told. */
  #checkHoles(writes: readonly RegisterOperation[]): void {
    const told = this.#operations.flatMap(({ outcome, version }) => (outcome === 'failed' ? [] : [version ?? 0]))
    const last = Math.max(0, ...told)
    let holes = 0
    for (let version = 1; version <= last; version += 1) if (!this.#writerOfVersion.has(version)) holes += 1
    const candidates = writes.filter((write) => write.outcome === 'unknown' && !this.#versionOf.has(write)).length
    if (holes > candidates) {
      this.#report('version hole', undefined, `${holes} versions of nobody, ${candidates} writes of unknown outcome`)
    }
  }

  #checkClock(): void {
    const placed = this.#operations.flatMap((operation) => this.#toPlaced(operation))
    const byEnd = placed.toSorted((one, other) => one.end - other.end)
    let ended = 0
    let latest: Placed | undefined
    for (const operation of placed.toSorted((one, other) => one.begin - other.begin)) {
      for (; (byEnd[ended]?.end ?? Infinity) < operation.begin; ended += 1) {
        const candidate = byEnd[ended] as Placed
        if (latest === undefined || candidate.place > latest.place) latest = candidate
      }
      if (latest !== undefined && latest.place > operation.place) {
        this.#report('stale', undefined, `${operation.subject} began after the end of ${latest.subject}`)
      }
    }
  }

  #toPlaced(operation: RegisterOperation): readonly Placed[] {
    const { begin, end, outcome, kind, version } = operation
    const as = (at: number, until = end): readonly Placed[] => [
      { begin, end: until, place: at, subject: `${kind} at ${Math.floor(at)}` },
    ]
    if (outcome === 'refused') return version === undefined ? [] : as(version + 0.5)
    if (kind === 'read') {
      if (outcome !== 'ok') return []
      const writer = operation.value === undefined ? undefined : this.#writerOfValue.get(operation.value)
      const seen = version ?? (writer === undefined ? 0 : this.#versionOf.get(writer))
      return seen === undefined ? [] : as(seen + 0.5)
    }
    const made = this.#versionOf.get(operation)
    if (made === undefined) return []
    // One whose caller was not told may have been stored at any time after it began.
    return outcome === 'ok' ? as(made) : as(made, Infinity)
  }
}
