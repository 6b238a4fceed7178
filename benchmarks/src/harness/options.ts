import path from 'node:path'
import { parseArgs } from 'node:util'
import type { PostgresMajor } from '@rillflow/testing'

/** What the command line asks for. */
export interface Options {
  /** Names, or beginnings of names, of suites; empty means all. */
  readonly suites: readonly string[]
  /** Suites that are left out, named in the same way. */
  readonly skip: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly scale: number
  readonly version: PostgresMajor | undefined
  readonly json: string | undefined
  readonly publish: boolean
  readonly help: boolean
}

/** How the command is used. */
export const USAGE = `pnpm bench [suite …] [options]

  --skip NAME         leave out a suite, or those whose names begin so; may be given several times
  --rounds N          rounds that count, after a short one that does not (5)
  --seconds S         length of a round (3)
  --postgres VERSION  major version of the server, 14 to 18 (what is installed)
  --quick             one short round on small seeds: shows that everything runs, no figures to quote
  --json FILE         also write the results there
  --publish           write the newest result of each suite into docs/performance.md and docs/performance.svg

A suite is chosen by its name, or several by the beginning of theirs: \`pnpm bench documents\`.`

/** Reads the command line. @throws TypeError that says which argument is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: args.filter((each) => each !== '--'),
    allowPositionals: true,
    options: {
      skip: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      postgres: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.quick && values.publish) throw new TypeError('--quick gives no figures to publish; leave one of them out.')
  return {
    suites: positionals,
    skip: values.skip,
    rounds: Math.ceil(positive('rounds', values.rounds ?? (values.quick ? '1' : '5'))),
    seconds: positive('seconds', values.seconds ?? (values.quick ? '0.3' : '3')),
    scale: values.quick ? 0.01 : 1,
    version: major(values.postgres),
    // The script runs elsewhere than the command was given.
    json: values.json === undefined ? undefined : path.resolve(process.env['INIT_CWD'] ?? '', values.json),
    publish: values.publish,
    help: values.help,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new TypeError(`--${name} is ${text}; give a number above zero.`)
}

function major(text: string | undefined): PostgresMajor | undefined {
  if (text === undefined) return undefined
  const found = ([14, 15, 16, 17, 18] as const).find((each) => String(each) === text)
  if (found) return found
  throw new TypeError(`--postgres is ${text}; give 14, 15, 16, 17 or 18.`)
}
