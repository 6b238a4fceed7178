import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { root, workspacePackages } from '../workspace.js'
import type { CodeBlock, MarkdownPage } from './markdown-page.js'

/** An example of a page as a file that a compiler can read. */
export interface ExampleFile {
  /** Where it would stand: in a folder of its own in the checkout, so that packages are found as they are elsewhere. */
  readonly file: string
  readonly text: string
  /** Where people find it: the page and the line of the block's opening fence. */
  readonly place: string
}

/**
 * The examples of a page as files.
 *
 * A block whose first line names a file, such as `// store.ts`, can be imported by the others of its page. When a name
 * comes again, the page has changed that file: a new folder begins, with the other files as they were. A block without
 * a name stands alone. Left out are fragments, and those that are files of the workspace, which `pnpm typecheck`
 * compiles where they stand.
 */
export function exampleFiles(page: MarkdownPage): readonly ExampleFile[] {
  return stagesOf(page).flatMap((stage) => [...stage.values()])
}

/** The named files of a page: one folder after another, each with the files as they are at that point. */
export function stagesOf(page: MarkdownPage): readonly ReadonlyMap<string, ExampleFile>[] {
  const base = join(root, 'examples-of-pages', createHash('sha256').update(page.path).digest('hex').slice(0, 12))
  const stages: Map<string, ExampleFile>[] = [new Map()]
  for (const block of page.blocks) {
    if (!isExample(page, block)) continue
    const name = block.fileName ?? `line-${block.line}.ts`
    if (stages.at(-1)?.has(name) === true) stages.push(moved(stages, join(base, String(stages.length))))
    const folder = join(base, String(stages.length - 1))
    const example = { file: join(folder, name), text: block.text, place: `${page.path}:${block.line}` }
    stages.at(-1)?.set(name, example)
  }
  return stages
}

function moved(stages: readonly ReadonlyMap<string, ExampleFile>[], folder: string): Map<string, ExampleFile> {
  const named = [...(stages.at(-1) ?? [])].filter(([name]) => !name.startsWith('line-'))
  return new Map(named.map(([name, example]) => [name, { ...example, file: join(folder, name) }]))
}

/**
 * The blocks that only have to be TypeScript: those marked `ts ignore`, and in a comment, which stands beside what it is
 * about, those that import nothing.
 */
export function fragments(page: MarkdownPage): readonly ExampleFile[] {
  const blocks = page.blocks.filter((block) => block.language === 'ts' && isFragment(page, block))
  return blocks.map(({ line, text }) => ({ file: 'fragment.ts', text, place: `${page.path}:${line}` }))
}

function isExample(page: MarkdownPage, block: CodeBlock): boolean {
  return block.language === 'ts' && !isFragment(page, block) && !workspaceFiles().has(block.text.trim())
}

function isFragment({ path }: MarkdownPage, { info, text }: CodeBlock): boolean {
  return info === 'ignore' || (path.endsWith('.ts') && !/^import /m.test(text))
}

let files: ReadonlySet<string> | undefined

/** The texts of all TypeScript files of the workspace. */
function workspaceFiles(): ReadonlySet<string> {
  files ??= new Set(workspacePackages().flatMap((each) => each.files.map(({ text }) => text.trim())))
  return files
}
