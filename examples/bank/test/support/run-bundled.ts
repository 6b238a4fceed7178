import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

/** Runs a program as a process of its own, bundled with the sources of the workspace; gives what it printed. */
export async function runBundled(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rillflow-bank-'))
  try {
    symlinkSync(inCheckout('node_modules'), join(folder, 'node_modules'))
    await build({
      entry: { program: file },
      outDir: folder,
      config: false,
      format: ['esm'],
      target: 'node20',
      silent: true,
      splitting: false,
      loader: { '.sql': 'text' },
      // Its path mapping leads to the sources.
      tsconfig: inCheckout('tsconfig.json'),
      noExternal: [/^@rillflow\//],
      external: ['pg', 'zod', '@testcontainers/postgresql'],
      // There is no `test` but `node:test`.
      removeNodeProtocol: false,
      outExtension: () => ({ js: '.mjs' }),
    })
    return await runNode(join(folder, 'program.mjs'), env)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function inCheckout(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url))
}

function runNode(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [file],
      { env: { ...process.env, ...env }, timeout: 120_000 },
      (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stdout}${stderr}`)) : resolve(stdout)),
    )
  })
}
