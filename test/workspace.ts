import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** What the repository's own tests read of a package.json. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package with its TypeScript files: `folder` is relative to the checkout, a file's `path` to that folder. */
export interface PackageSources {
  readonly folder: string
  readonly manifest: Manifest
  readonly files: readonly { readonly path: string; readonly text: string }[]
}

/** Every package of the workspace: the published ones, and the private examples and benchmarks. */
export function workspacePackages(): PackageSources[] {
  return [...filesIn('packages'), ...filesIn('examples'), 'benchmarks']
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readManifest(folder), files: sourceFiles(folder) }))
}

/** The packages that npm gets. */
export function publicPackages(): PackageSources[] {
  return workspacePackages().filter(({ folder, manifest }) => folder.startsWith('packages/') && !manifest.private)
}

/** The root's own package.json. */
export function rootManifest(): Manifest {
  return readManifest('.')
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
}

function sourceFiles(folder: string): PackageSources['files'] {
  return ['src', 'test']
    .flatMap((part) => filesIn(`${folder}/${part}`, true))
    .filter((path) => /\.m?ts$/.test(path))
    .map((path) => ({ path: path.slice(folder.length + 1), text: readFileSync(join(root, path), 'utf8') }))
}

function filesIn(folder: string, recursive = false): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive, encoding: 'utf8' }).map((path) => `${folder}/${path}`)
}
