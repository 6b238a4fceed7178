import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { build } from 'tsup'
import { root } from '../workspace.js'
import { stagesOf } from './example-files.js'
import type { MarkdownPage } from './markdown-page.js'

/** The programs of a page, ready to be run. */
export interface PagePrograms extends Disposable {
  /** What the page says that its programs print, by their files, in the order of the page. */
  readonly printed: ReadonlyMap<string, string>
  /** Runs a program by itself, as a newcomer would; gives what it printed, and throws when it fails. */
  run(name: string, env: Readonly<Record<string, string>>): Promise<string>
}

/**
 * Bundles the named examples of a page with the sources of the workspace, so that nothing has to be built before. A
 * program's file keeps its name; where the page has changed a file that others import, they get the form that it has
 * where they stand.
 */
export async function pagePrograms(page: MarkdownPage): Promise<PagePrograms> {
  const folder = mkdtempSync(join(tmpdir(), 'rillflow-page-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await build({
    entry: writeStages(page, folder),
    outDir: join(folder, 'out'),
    config: false,
    format: ['esm'],
    target: 'node20',
    silent: true,
    splitting: false,
    loader: { '.sql': 'text' },
    // Its path mapping leads to the sources.
    tsconfig: join(root, 'tsconfig.json'),
    noExternal: [/^@rillflow\//],
    external: ['pg', 'zod', 'vitest', '@testcontainers/postgresql'],
    outExtension: () => ({ js: '.mjs' }),
  })
  return {
    printed: outputsOf(page),
    run: (name, env) => runNode(join(folder, 'out', `${basename(name, '.ts')}.mjs`), env),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Writes the files of each stage, and gives where each one is to be run: in the stage that first has it. */
function writeStages(page: MarkdownPage, folder: string): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const [number, stage] of stagesOf(page).entries()) {
    const source = join(folder, 'src', String(number))
    mkdirSync(source, { recursive: true })
    for (const [name, { text }] of stage) {
      writeFileSync(join(source, name), text)
      entries[basename(name, '.ts')] ??= join(source, name)
    }
  }
  return entries
}

/** A `text` block that follows a program is what the program prints. */
function outputsOf(page: MarkdownPage): ReadonlyMap<string, string> {
  const outputs = new Map<string, string>()
  for (const [index, block] of page.blocks.entries()) {
    const next = page.blocks[index + 1]
    if (block.fileName !== undefined && next?.language === 'text') outputs.set(block.fileName, next.text)
  }
  return outputs
}

function runNode(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: 120_000 }
    execFile(process.execPath, [file], options, (error, stdout, stderr) =>
      error ? reject(new Error(`${basename(file)}: ${error.message}\n${stdout}${stderr}`)) : resolve(stdout),
    )
  })
}
