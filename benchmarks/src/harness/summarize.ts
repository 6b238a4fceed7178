import { median, medianLatency } from './statistics.js'
import type { Latency, Round, Suite, Target } from './suite.js'

/** The rounds of one contender in one case. */
export interface Measured {
  readonly caseName: string
  readonly contender: string
  readonly rounds: readonly Round[]
  /** Why there are none, or not all. */
  readonly refusal: string | undefined
}

/** One line of the table. */
export interface Row {
  readonly caseName: string
  readonly contender: string
  /** The median round; undefined for one that refused. */
  readonly value: number | undefined
  readonly latency: Latency | undefined
  /** How many times better the subject did: the median of the ratios within each round. */
  readonly ratio: number | undefined
  readonly note: string | undefined
  readonly rounds: readonly number[]
}

/** A target, and what came of it. */
export interface Verdict {
  readonly target: Target
  readonly figure: number | undefined
  readonly met: boolean
}

/** What a suite has shown. */
export interface SuiteResult {
  readonly name: string
  readonly about: Suite['about']
  readonly title: string
  readonly unit: string
  readonly subject: string
  readonly better: Suite['better']
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
}

/** Medians, ratios and verdicts from the raw rounds. */
export function summarize(suite: Suite, measured: readonly Measured[]): SuiteResult {
  const rows = measured.map((each) => toRow(each, subjectOf(suite, measured, each.caseName), suite))
  return {
    name: suite.name,
    about: suite.about,
    title: suite.title,
    unit: suite.unit,
    subject: suite.subject,
    better: suite.better,
    rows,
    verdicts: suite.targets.map((target) => judge(target, rows, suite.subject)),
  }
}

function subjectOf(suite: Suite, measured: readonly Measured[], caseName: string): readonly Round[] {
  return measured.find((each) => each.caseName === caseName && each.contender === suite.subject)?.rounds ?? []
}

function toRow(measured: Measured, subject: readonly Round[], suite: Suite): Row {
  const { caseName, contender, rounds, refusal } = measured
  const whole = refusal === undefined && rounds.length > 0
  const notes = [...new Set(rounds.flatMap((round) => round.note ?? []))]
  return {
    caseName,
    contender,
    value: whole ? median(rounds.map((round) => round.value)) : undefined,
    latency: whole ? medianLatency(rounds.flatMap((round) => round.latency ?? [])) : undefined,
    ratio: whole && subject.length > 0 && contender !== suite.subject ? ratioOf(subject, rounds, suite) : undefined,
    note: refusal ?? (notes.join('; ') || undefined),
    rounds: rounds.map((round) => round.value),
  }
}

function ratioOf(subject: readonly Round[], other: readonly Round[], { better }: Suite): number {
  const pairs = subject.flatMap(({ value }, index) => {
    const theirs = other[index]?.value
    if (theirs === undefined) return []
    return better === 'higher' ? value / theirs : theirs / value
  })
  return median(pairs)
}

function judge(target: Target, rows: readonly Row[], subject: string): Verdict {
  const figure = figureOf(target, rows, subject)
  if (figure === undefined) return { target, figure, met: false }
  return { target, figure, met: 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost }
}

function figureOf(target: Target, rows: readonly Row[], subject: string): number | undefined {
  const row = (contender: string): Row | undefined =>
    rows.find((each) => each.caseName === target.case && each.contender === contender)
  if ('against' in target) return row(target.against)?.ratio
  const own = row(subject)
  return target.of === 'value' ? own?.value : own?.latency?.[target.of]
}
