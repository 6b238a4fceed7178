import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

/** Bundles a script with the workspace's sources, so that nothing has to be built before its test: `<name>.cjs`. */
export async function bundleJob({
  name,
  entry,
  outDir,
}: {
  name: string
  entry: string
  outDir: string
}): Promise<void> {
  await build({
    entry: { [name]: entry },
    outDir,
    config: false,
    format: ['cjs'],
    target: 'node20',
    silent: true,
    loader: { '.sql': 'text' },
    // Its path mapping leads to the sources.
    tsconfig: fileURLToPath(new URL('../../../../tsconfig.json', import.meta.url)),
    noExternal: [/.*/],
    external: ['pg-native'],
  })
}
