/** What one round of one contender yields; `value` is in the unit of its suite. */
export interface Round {
  readonly value: number
  readonly latency?: Latency | undefined
  /** Something the reader of the table must know: lost events, a deviation. */
  readonly note?: string | undefined
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What a contender is given to begin with. */
export interface Ground {
  /** A database of its own, empty, or one that it shares. */
  readonly url: string
  /** A count of rows to seed, made small by `--quick`. */
  readonly scaled: (count: number) => number
}

/** A contender at work, in a process of its own. */
export interface Running<Case> {
  round(one: Case, seconds: number): Promise<Round>
  close(): Promise<void>
}

/** Makes its tables, seeds them, and stands ready; what it throws is shown as its refusal. */
export type Contender<Case> = (ground: Ground) => Promise<Running<Case>>

/** A figure that a suite is measured by. */
export type Target = RatioTarget | LimitTarget

/** The subject's median ratio to another contender. */
export interface RatioTarget {
  readonly case: string
  readonly against: string
  readonly atLeast: number
}

/** A bound on a figure of the subject itself. */
export interface LimitTarget {
  readonly case: string
  readonly of: 'value' | keyof Latency
  readonly atMost: number
}

interface NamedCase {
  readonly name: string
}

/** One comparison: the same work, in one or more cases, done by each contender. */
export interface Suite<Case extends NamedCase = NamedCase> {
  readonly name: string
  /** The part of the page that shows it. */
  readonly about: 'events' | 'documents' | 'aggregates' | 'projections'
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** The contender whose ratios are told. */
  readonly subject: string
  readonly cases: readonly Case[]
  readonly contenders: Readonly<Record<string, Contender<Case>>>
  /**
   * Databases that suites share, so that a large seed is made once: the name by contender. Whoever finds one filled leaves
   * it so. Every other contender has an empty one of its own.
   */
  readonly shared?: Readonly<Record<string, string>> | undefined
  /** False where a round is long and warms itself up; unless told, a shorter round comes first and does not count. */
  readonly warmUp?: boolean | undefined
  readonly targets: readonly Target[]
}

/** Checks a suite's types where it is written, and forgets the type of its cases, so that suites fit in one list. */
export function defineSuite<const Case extends NamedCase>(suite: Suite<Case>): Suite {
  // A contender is only ever given the cases of its own suite.
  return suite
}
