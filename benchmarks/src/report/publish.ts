import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ratioChart } from './chart.js'
import type { RecordedResult } from './results.js'
import { figuresTable, targetsTable } from './table.js'

const DOCS = new URL('../../../docs/', import.meta.url)
const BEGIN = '<!-- figures: written by `pnpm bench --publish` -->'
const END = '<!-- end of figures -->'
const PARTS = [
  { about: 'events', title: 'Events' },
  { about: 'documents', title: 'Documents' },
  { about: 'aggregates', title: 'Aggregates' },
  { about: 'projections', title: 'Projections and subscriptions' },
] as const

/** Puts the results between the markers of docs/performance.md, and the chart beside it. */
export async function publish(results: readonly RecordedResult[]): Promise<void> {
  const page = fileURLToPath(new URL('performance.md', DOCS))
  const text = await readFile(page, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`docs/performance.md has not both markers: put back ${BEGIN} and ${END}.`)
  const body = ['<!-- prettier-ignore-start -->', section(results), '<!-- prettier-ignore-end -->'].join('\n\n')
  await writeFile(page, `${text.slice(0, from)}${BEGIN}\n\n${body}\n\n${text.slice(to)}`)
  await writeFile(new URL('performance.svg', DOCS), ratioChart(results))
}

function section(results: readonly RecordedResult[]): string {
  return [
    machines(results),
    '![Ratios and targets](performance.svg)',
    ...PARTS.flatMap(({ about, title }) =>
      part(
        title,
        results.filter((result) => result.about === about),
      ),
    ),
  ].join('\n\n')
}

function part(title: string, results: readonly RecordedResult[]): string[] {
  if (results.length === 0) return []
  const tables = results.flatMap((result) => [`#### ${result.title}`, provenance(result), figuresTable(result)])
  return [`### ${title}`, '#### Targets', targetsTable(results), ...tables]
}

function machines(results: readonly RecordedResult[]): string {
  const lines = results.map(({ machine }) => {
    const settings = Object.entries(machine.settings).map(([name, value]) => `\`${name} = ${value}\``)
    return (
      `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ` +
      `PostgreSQL ${machine.postgres}, ${settings.join(', ')}.`
    )
  })
  return [...new Set(lines)].map((line) => `Machine: ${line}`).join('\n\n')
}

function provenance(result: RecordedResult): string {
  return `\`${result.command}\`, ${result.measuredAt.slice(0, 10)}.`
}
