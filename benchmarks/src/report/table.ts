import type { SuiteResult } from '../harness/summarize.js'
import { figure, limitUnit, percentileText, targetText, times } from './format.js'

/** Every contender's figures, as a Markdown table with its columns in line. */
export function figuresTable(result: SuiteResult): string {
  const head = ['case', 'contender', result.unit, `${result.subject} ÷ it`, 'p50 / p95 / p99 ms', '']
  const rows = result.rows.map((row) => [
    row.caseName,
    row.contender,
    figure(row.value),
    row.contender === result.subject ? '' : times(row.ratio),
    percentileText(row.latency),
    row.note ?? '',
  ])
  return markdownTable([head, ...rows])
}

/** Every target of the suites, what was reached, and whether that is enough. */
export function targetsTable(results: readonly SuiteResult[]): string {
  const rows = results.flatMap((result) =>
    result.verdicts.map(({ target, figure: reached, met }) => [
      result.title,
      target.case,
      result.subject,
      targetText(target, result.unit),
      'against' in target ? times(reached) : `${figure(reached)} ${limitUnit(target, result.unit)}`,
      met ? 'met' : reached === undefined ? 'not measured' : 'missed',
    ]),
  )
  return markdownTable([['what', 'case', 'of', 'target', 'reached', ''], ...rows])
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')))
  const widths = (escaped[0] ?? []).map((_, column) => Math.max(3, ...escaped.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = escaped
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
