import type { Anomaly, AnomalyName } from './anomaly.js'
import type { Outcome } from './known-outcome.js'

/** The elements of one stream: as an append wrote them, or as a read saw all of them. */
export interface ListPart {
  readonly streamId: string
  readonly elements: readonly string[]
}

/** One transaction: what it read before it wrote, and what it appended. Each element is appended once in a history. */
export interface ListTransaction {
  readonly name: string
  readonly outcome: Outcome
  readonly reads: readonly ListPart[]
  readonly appends: readonly ListPart[]
}

/**
 * Looks for what no serial order of the transactions explains, in the way of Elle (Kingsbury and Alvaro, 2020): the
 * stored streams give the order of all writes, the reads their place in it, and an anomaly is a cycle of "before".
 */
export function checkLists(
  transactions: readonly ListTransaction[],
  stored: ReadonlyMap<string, readonly string[]>,
): readonly Anomaly[] {
  const history = new ListHistory(transactions, stored)
  return [...history.checkStored(), ...history.checkReads(), ...history.checkCycles()]
}

/** Which transaction comes before which. */
class Graph {
  readonly #after = new Map<ListTransaction, Set<ListTransaction>>()

  constructor(edges: readonly Edge[]) {
    for (const [before, after] of edges) {
      const known = this.#after.get(before)
      if (known === undefined) this.#after.set(before, new Set([after]))
      else known.add(after)
    }
  }

  reaches(from: ListTransaction, to: ListTransaction): boolean {
    const seen = new Set([from])
    // A set grows while it is walked, so this follows every path once.
    for (const one of seen) {
      if (one === to) return true
      for (const next of this.#after.get(one) ?? []) seen.add(next)
    }
    return false
  }

  /** Those that have a place in a serial order, each after all that come before it; a cycle and what follows it have none. */
  ordered(): ReadonlySet<ListTransaction> {
    const missing = new Map<ListTransaction, number>()
    for (const one of [...this.#after.values()].flatMap((after) => [...after])) {
      missing.set(one, (missing.get(one) ?? 0) + 1)
    }
    const ordered = new Set([...this.#after.keys()].filter((one) => !missing.has(one)))
    for (const one of ordered) {
      for (const next of this.#after.get(one) ?? []) {
        const left = (missing.get(next) ?? 0) - 1
        missing.set(next, left)
        if (left === 0) ordered.add(next)
      }
    }
    return ordered
  }
}

type Edge = readonly [before: ListTransaction, after: ListTransaction]

class ListHistory {
  readonly #transactions: readonly ListTransaction[]
  readonly #stored: ReadonlyMap<string, readonly string[]>
  readonly #writers = new Map<string, ListTransaction>()

  constructor(transactions: readonly ListTransaction[], stored: ReadonlyMap<string, readonly string[]>) {
    this.#transactions = transactions
    this.#stored = stored
    for (const transaction of transactions) {
      for (const element of transaction.appends.flatMap(({ elements }) => elements)) {
        this.#writers.set(element, transaction)
      }
    }
  }

  /** All of a transaction is stored, or nothing; what was acknowledged is, and in its order. */
  checkStored(): readonly Anomaly[] {
    return [
      ...this.#transactions.flatMap((transaction) => this.#checkTransaction(transaction)),
      ...[...this.#stored].flatMap(([streamId, elements]) =>
        elements.filter((element) => !this.#writers.has(element)).map((one) => anomaly('phantom', streamId, one)),
      ),
    ]
  }

  #checkTransaction({ name, outcome, appends }: ListTransaction): readonly Anomaly[] {
    const written = appends.flatMap(({ elements }) => elements)
    const missing = appends.flatMap(({ streamId, elements }) => {
      const present = new Set(this.#stored.get(streamId))
      return elements.filter((element) => !present.has(element))
    })
    const isNothing = missing.length === written.length
    if (outcome === 'ok' || (outcome === 'unknown' && !isNothing)) {
      return [
        ...missing.map((element) => anomaly('lost', name, element)),
        ...appends.filter((part) => !this.#isInOrder(part)).map((part) => anomaly('wrong order', name, part.streamId)),
      ]
    }
    return isNothing ? [] : [anomaly('unacknowledged', name, outcome)]
  }

  /** What one transaction appended to one stream stands there in its order. */
  #isInOrder({ streamId, elements }: ListPart): boolean {
    const list = this.#stored.get(streamId) ?? []
    const places = elements.map((element) => list.indexOf(element)).filter((place) => place >= 0)
    return places.every((place, at) => at === 0 || place > (places[at - 1] ?? 0))
  }

  /** A read sees what was there at one moment: the beginning of the stored list, up to where a transaction ends. */
  checkReads(): readonly Anomaly[] {
    return this.#transactions.flatMap((reader) =>
      reader.reads.flatMap(({ streamId, elements }): readonly Anomaly[] => {
        const list = this.#stored.get(streamId) ?? []
        const last = elements.at(-1)
        if (last === undefined) return []
        const present = new Set(list)
        const never = elements.filter((element) => !present.has(element))
        if (never.length > 0) {
          return never.map((one) => anomaly(this.#writers.has(one) ? 'G1a' : 'phantom', reader.name, one))
        }
        if (elements.some((element, at) => element !== list[at])) return [anomaly('wrong order', reader.name, streamId)]
        const next = list[elements.length]
        const isWithin = next !== undefined && this.#writers.get(next) === this.#writers.get(last)
        return isWithin ? [anomaly('G1b', reader.name, `${streamId} up to ${last}`)] : []
      }),
    )
  }

  /** Each edge that closes a cycle, by the weakest name that the cycle has. */
  checkCycles(): readonly Anomaly[] {
    const edges = { writes: this.#writeEdges(), reads: this.#readEdges(), antis: this.#antiEdges() }
    const ordered = new Graph([...edges.writes, ...edges.reads, ...edges.antis]).ordered()
    const inDoubt = (some: readonly Edge[]): readonly Edge[] => some.filter(([before]) => !ordered.has(before))
    const [writes, reads, antis] = [inDoubt(edges.writes), inDoubt(edges.reads), inDoubt(edges.antis)]
    const single = closing(antis, [...writes, ...reads])
    const several = closing(antis, [...writes, ...reads, ...antis]).filter((edge) => !single.includes(edge))
    return [
      ...toAnomalies('G0', closing(writes, writes)),
      ...toAnomalies('G1c', closing(reads, [...writes, ...reads])),
      ...toAnomalies('G-single', single),
      ...toAnomalies('G2-item', several),
    ]
  }

  /** From each writer of a stream to the next one. */
  #writeEdges(): readonly Edge[] {
    return [...this.#stored.values()].flatMap((list) =>
      list.flatMap((element, at) => this.#edge(this.#writers.get(element), this.#writerAt(list, at + 1))),
    )
  }

  /** From the writer of what was read to the reader; the earlier writers come before that one. */
  #readEdges(): readonly Edge[] {
    return this.#eachRead((reader, { elements }) => this.#edge(this.#writers.get(elements.at(-1) ?? ''), reader))
  }

  /** From the reader to the writer of what it did not see. */
  #antiEdges(): readonly Edge[] {
    return this.#eachRead((reader, { streamId, elements }) =>
      this.#edge(reader, this.#writerAt(this.#stored.get(streamId) ?? [], elements.length)),
    )
  }

  /** Of transactions that are not stored, a read tells nothing. */
  #eachRead(edges: (reader: ListTransaction, read: ListPart) => readonly Edge[]): readonly Edge[] {
    return this.#transactions
      .filter(({ outcome }) => outcome === 'ok')
      .flatMap((reader) => reader.reads.flatMap((read) => edges(reader, read)))
  }

  #writerAt(list: readonly string[], at: number): ListTransaction | undefined {
    return this.#writers.get(list[at] ?? '')
  }

  #edge(before: ListTransaction | undefined, after: ListTransaction | undefined): readonly Edge[] {
    return before === undefined || after === undefined || before === after ? [] : [[before, after]]
  }
}

/** Those from whose end a path leads back to their beginning. */
function closing(edges: readonly Edge[], paths: readonly Edge[]): readonly Edge[] {
  const graph = new Graph(paths)
  return edges.filter(([before, after]) => graph.reaches(after, before))
}

function toAnomalies(name: AnomalyName, edges: readonly Edge[]): readonly Anomaly[] {
  return edges.map(([before, after]) => anomaly(name, before.name, after.name))
}

function anomaly(name: AnomalyName, ...subjects: readonly string[]): Anomaly {
  return { name, subject: subjects.join(', ') }
}
