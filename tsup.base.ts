import { defineConfig, type Options } from 'tsup'

/** The one build of every package: ES modules and their types, `.sql` files as text inside. */
export function library(entry: string[] = ['src/index.ts']): Options | Options[] {
  return defineConfig({
    entry,
    format: ['esm'],
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    target: 'node20',
    clean: true,
    sourcemap: true,
    splitting: true,
    treeshake: true,
    loader: { '.sql': 'text' },
    // Not the root's tsconfig.json, which editors and checks use: its path mapping would pull a neighbour's source into this bundle.
    tsconfig: 'tsconfig.build.json',
  }) as Options
}
