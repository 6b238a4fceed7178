import type { Latency, LimitTarget, Target } from '../harness/suite.js'

/** A figure with as many digits as carry meaning. */
export function figure(value: number | undefined): string {
  if (value === undefined) return '–'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A ratio, such as `2.13×`. */
export function times(value: number | undefined): string {
  return value === undefined ? '–' : `${figure(value)}×`
}

/** Three percentiles in milliseconds. */
export function percentileText(latency: Latency | undefined): string {
  return latency ? `${figure(latency.p50)} / ${figure(latency.p95)} / ${figure(latency.p99)}` : '–'
}

/** What a target asks for, in words. */
export function targetText(target: Target, unit: string): string {
  if ('against' in target) return `≥ ${target.atLeast}× ${target.against}`
  return `${target.of === 'value' ? '' : `${target.of} `}≤ ${target.atMost} ${limitUnit(target, unit)}`
}

/** The unit that a limit is told in. */
export function limitUnit(target: LimitTarget, unit: string): string {
  return target.of === 'value' ? unit : 'ms'
}
