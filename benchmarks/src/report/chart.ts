import type { RatioTarget } from '../harness/suite.js'
import type { SuiteResult, Verdict } from '../harness/summarize.js'
import { times } from './format.js'

const WIDTH = 1080
const LABELS = 560
const RIGHT = 90
const ROW = 26
const BAR = 14
const TOP = 62
const STEPS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000]
const COLORS = {
  ink: '#1f2328',
  soft: '#59636e',
  grid: '#d8dee4',
  met: '#1a7f64',
  missed: '#bc4c00',
  target: '#1f2328',
}

interface Bar {
  readonly label: string
  readonly target: RatioTarget
  readonly verdict: Verdict
}

/** The ratios that have a target, as bars with the target marked on each; empty text when there are none. */
export function ratioChart(results: readonly SuiteResult[]): string {
  const bars = results.flatMap(barsOf)
  if (bars.length === 0) return ''
  const { ticks, scale } = logarithmicScale(
    bars.flatMap(({ target, verdict }) => [target.atLeast, verdict.figure ?? 1]),
  )
  const height = TOP + bars.length * ROW + 34
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    '<title>Rillflow as a multiple of its peers and of the bounds of the machine</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, 'Rillflow ÷ the other, same run, same rounds', { size: 16, weight: 600 }),
    text(
      16,
      46,
      'Farther right is better; each step is about three times the last. The black mark is the target; 1× is as fast as the other.',
      { color: COLORS.soft },
    ),
    ...axis(ticks, scale, height),
    ...bars.flatMap((bar, index) => drawBar(bar, TOP + index * ROW, scale)),
    '</svg>',
    '',
  ].join('\n')
}

interface Scale {
  readonly ticks: readonly number[]
  readonly scale: (value: number) => number
}

/** Ratios multiply: as far as 2× lies right of 1×, so far lies 0.5× to its left. */
function logarithmicScale(values: readonly number[]): Scale {
  const least = STEPS.findLast((step) => step <= Math.min(0.3, ...values)) ?? 0.1
  const most = STEPS.find((step) => step >= Math.max(3, ...values)) ?? 1_000
  const share = (value: number): number => Math.log(value / least) / Math.log(most / least)
  const scale = (value: number): number => LABELS + Math.min(1, Math.max(0, share(value))) * (WIDTH - LABELS - RIGHT)
  return { ticks: STEPS.filter((step) => step >= least && step <= most), scale }
}

function barsOf(result: SuiteResult): Bar[] {
  return result.verdicts.flatMap((verdict) => {
    const { target } = verdict
    if (!('against' in target)) return []
    return [{ label: `${result.title}, ${target.case}, against ${target.against}`, target, verdict }]
  })
}

function drawBar({ label, target, verdict }: Bar, top: number, scale: (value: number) => number): string[] {
  const middle = top + ROW / 2
  const start = scale(Math.min(1, verdict.figure ?? 1))
  const end = scale(Math.max(1, verdict.figure ?? 1))
  const mark = scale(target.atLeast)
  const color = verdict.met ? COLORS.met : COLORS.missed
  const shown = verdict.figure === undefined ? 'not measured' : times(verdict.figure)
  return [
    text(LABELS - 10, middle + 4, label, { anchor: 'end' }),
    `<rect x="${round(start)}" y="${middle - BAR / 2}" width="${round(end - start)}" height="${BAR}" rx="2" fill="${color}"/>`,
    `<line x1="${round(mark)}" x2="${round(mark)}" y1="${middle - 10}" y2="${middle + 10}" stroke="${COLORS.target}" stroke-width="2"/>`,
    text(Math.max(end, mark) + 8, middle + 4, shown, { weight: 600, color }),
  ]
}

function axis(ticks: readonly number[], scale: (value: number) => number, height: number): string[] {
  return ticks.flatMap((tick) => [
    `<line x1="${round(scale(tick))}" x2="${round(scale(tick))}" y1="${TOP - 4}" y2="${height - 28}" stroke="${COLORS.grid}" stroke-width="${tick === 1 ? 2 : 1}"/>`,
    text(scale(tick), height - 12, `${tick}×`, { anchor: 'middle', color: COLORS.soft }),
  ])
}

interface TextStyle {
  readonly size?: number
  readonly weight?: number
  readonly color?: string
  readonly anchor?: 'start' | 'middle' | 'end'
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size = 13, weight = 400, color = COLORS.ink, anchor = 'start' } = style
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}">${escape(content)}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
