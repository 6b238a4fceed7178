import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

/** A program made of the sources, for tests whose subject is more than one process. */
export interface BundledFixture extends Disposable {
  readonly file: string
}

/** Bundles `test/fixtures/<name>.ts` with the workspace's sources, so that nothing has to be built before the test. */
export async function bundleFixture(name: string): Promise<BundledFixture> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rillflow-fixture-'))
  await build({
    entry: { [name]: inPackage(`test/fixtures/${name}.ts`) },
    outDir: folder,
    config: false,
    format: ['cjs'],
    target: 'node20',
    silent: true,
    loader: { '.sql': 'text' },
    // Its path mapping leads to the sources.
    tsconfig: inPackage('../../tsconfig.json'),
    noExternal: [/.*/],
    external: ['pg-native'],
  })
  return {
    file: path.join(folder, `${name}.cjs`),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function inPackage(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url))
}
