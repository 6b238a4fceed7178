import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Machine } from '../harness/machine.js'
import type { SuiteResult } from '../harness/summarize.js'
import { ratioChart } from './chart.js'

/** Where results stay between runs; not committed. */
const RESULTS = fileURLToPath(new URL('../../results', import.meta.url))

/** A suite's result, with all that a figure needs to be one. */
export interface RecordedResult extends SuiteResult {
  readonly measuredAt: string
  /** Seconds, seeds included. */
  readonly took: number
  readonly command: string
  /** A `--quick` run shows that a suite works, and is never published. */
  readonly quick: boolean
  readonly machine: Machine
}

/** Writes this run's results: JSON and chart; returns the folder. */
export async function writeResults(results: readonly RecordedResult[]): Promise<string> {
  const folder = path.join(RESULTS, (results[0]?.measuredAt ?? 'empty').replaceAll(':', '-'))
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(path.join(folder, 'ratios.svg'), ratioChart(results))
  return folder
}

/** Keeps a suite's result as its newest, so that suites can be run one by one and published together. */
export async function keepNewest(result: RecordedResult): Promise<void> {
  if (result.quick) return
  const others = (await newestResults()).filter((each) => each.name !== result.name)
  await mkdir(RESULTS, { recursive: true })
  await writeFile(path.join(RESULTS, 'newest.json'), JSON.stringify([...others, result], null, 2))
}

/** The newest result of each suite that has one. */
export async function newestResults(): Promise<readonly RecordedResult[]> {
  const text = await readFile(path.join(RESULTS, 'newest.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as RecordedResult[]
}
