import type { Latency } from './suite.js'

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new Error('The median of nothing was asked for; give at least one value.')
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** Percentiles of raw latencies, by the nearest rank. */
export function percentiles(latencies: readonly number[]): Latency | undefined {
  if (latencies.length === 0) return undefined
  const sorted = Float64Array.from(latencies).toSorted()
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** Each percentile's median over the rounds. */
export function medianLatency(rounds: readonly Latency[]): Latency | undefined {
  if (rounds.length === 0) return undefined
  const of = (key: keyof Latency): number => median(rounds.map((round) => round[key]))
  return { p50: of('p50'), p95: of('p95'), p99: of('p99') }
}
