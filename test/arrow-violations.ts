import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { cycles } from './cycles.js'
import { importedModules } from './imported-modules.js'
import type { Manifest, PackageSources } from './workspace.js'

/** Which packages each package may import directly; what those may import is allowed too. Names come without their scope. */
export type Order = Readonly<Record<string, readonly string[]>>

/** What a workspace is held against. */
export interface Rules {
  readonly order: Order
  /** Development dependencies of the root, which every test may import. */
  readonly testTools: readonly string[]
}

interface Import {
  readonly from: PackageSources
  readonly path: string
  readonly specifier: string
}

const scope = '@rillflow/'

/** Every import and every dependency that breaks the rules, one sentence each. */
export function arrowViolations(packages: readonly PackageSources[], rules: Rules): string[] {
  const dependencies = new Map(packages.map(({ manifest }) => [manifest.name, internalDependencies(manifest)]))
  return [
    ...cycles(new Map(Object.entries(rules.order))).map((cycle) => `the order itself has a cycle: ${cycle}`),
    ...cycles(dependencies).map((cycle) => `dependencies make a cycle: ${cycle}`),
    ...packages.flatMap(importsOf).flatMap((one) => wrongImport(one, packages, rules)),
    ...packages.filter(({ manifest }) => !manifest.private).flatMap(idleDependencies),
  ]
}

function importsOf(from: PackageSources): Import[] {
  return from.files.flatMap(({ path, text }) => importedModules(text).map((specifier) => ({ from, path, specifier })))
}

function wrongImport(one: Import, packages: readonly PackageSources[], rules: Rules): string[] {
  const problem = one.specifier.startsWith('.') ? relativeProblem(one) : moduleProblem(one, packages, rules)
  return problem ? [`${one.from.folder}/${one.path} imports ${one.specifier}: ${problem}`] : []
}

function relativeProblem({ from, path, specifier }: Import): string | undefined {
  const target = posix.join(from.folder, posix.dirname(path), specifier)
  if (target.startsWith(`${from.folder}/`)) return undefined
  // A test may share the repository's own test support; nobody reaches into a neighbour.
  if (isTest(path) && !/^(packages|examples|benchmarks)\//.test(target)) return undefined
  return 'it leaves the package'
}

function moduleProblem(one: Import, packages: readonly PackageSources[], rules: Rules): string | undefined {
  const { from, path, specifier } = one
  const name = packageName(specifier)
  // `declare module '*.sql'` names a kind of file.
  if (isBuiltin(specifier) || specifier.startsWith('*')) return undefined
  const own = isTest(path)
    ? [from.manifest.name, ...listed(from.manifest, true), ...rules.testTools]
    : listed(from.manifest, false)
  if (!own.includes(name)) return 'its package.json does not list it for this use'
  if (!name.startsWith(scope)) return undefined
  const target = packages.find(({ manifest }) => manifest.name === name)
  if (!target) return 'no such package in the workspace'
  const entry = `.${specifier.slice(name.length)}`
  if (!Object.hasOwn(target.manifest.exports ?? {}, entry)) return `${name} does not export ${entry}`
  // Tests may look up: the order is about what is shipped.
  if (isTest(path) || from.manifest.private) return undefined
  return arrowProblem(unscoped(from.manifest.name), unscoped(name), rules.order)
}

function arrowProblem(from: string, to: string, order: Order): string | undefined {
  if (!Object.hasOwn(order, from)) return `${from} has no place in the order yet`
  return below(from, order).has(to) ? undefined : `${from} may not import ${to}`
}

/** Everything under a package, however far. */
function below(name: string, order: Order, seen = new Set<string>()): Set<string> {
  for (const next of order[name] ?? []) {
    if (seen.has(next)) continue
    seen.add(next)
    below(next, order, seen)
  }
  return seen
}

/** Packages of the workspace that a package.json lists and no file imports. */
function idleDependencies(one: PackageSources): string[] {
  const { folder, manifest } = one
  const imports = importsOf(one)
  const anywhere = new Set(imports.map(({ specifier }) => packageName(specifier)))
  const shipped = new Set(imports.filter(({ path }) => !isTest(path)).map(({ specifier }) => packageName(specifier)))
  return [
    ...internal(listed(manifest, false)).filter((name) => !shipped.has(name)),
    ...internal(Object.keys(manifest.devDependencies ?? {})).filter((name) => !anywhere.has(name)),
  ].map((name) => `${folder}/package.json lists ${name}, which no file imports`)
}

function listed(manifest: Manifest, withDevelopment: boolean): string[] {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest
  const development = withDevelopment ? devDependencies : {}
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies, ...development })
}

function internalDependencies(manifest: Manifest): string[] {
  return internal(listed(manifest, true))
}

function internal(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(scope))
}

function isTest(path: string): boolean {
  return path.startsWith('test/') || /\.test(-d)?\.ts$/.test(path)
}

function packageName(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function unscoped(name: string): string {
  return name.slice(scope.length)
}
