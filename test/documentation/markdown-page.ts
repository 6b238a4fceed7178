import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../workspace.js'

/** A fenced block of code. */
export interface CodeBlock {
  /** The line of its opening fence, from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language on the fence. */
  readonly info: string
  readonly text: string
  /** What a first line such as `// store.ts` or `-- roles.sql` names it. */
  readonly fileName: string | undefined
}

/** A page of the documentation. */
export interface MarkdownPage {
  /** From the checkout, with slashes. */
  readonly path: string
  readonly blocks: readonly CodeBlock[]
  /** The page without its code, line for line: what a reader takes for prose, headings and links. */
  readonly prose: readonly string[]
}

const notOurs = new Set(['node_modules', 'dist', 'coverage', 'test-results'])

/** Every Markdown file of the checkout. */
export function markdownPages(folder = root): readonly MarkdownPage[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return isOurs(entry.name) ? markdownPages(path) : []
    return entry.name.endsWith('.md') ? [readPage(path)] : []
  })
}

function isOurs(folder: string): boolean {
  return !notOurs.has(folder) && (!folder.startsWith('.') || folder === '.github' || folder === '.changeset')
}

function readPage(path: string): MarkdownPage {
  return parsePage(relative(root, path).replaceAll('\\', '/'), readFileSync(path, 'utf8'))
}

/** Reads one page of the checkout. */
export function pageAt(path: string): MarkdownPage {
  return readPage(join(root, path))
}

const fenceShape = /^\s*(`{3,})(\w*) *(.*)$/
const nameShape = /^(?:\/\/|--) ([\w-]+(?:\.[\w-]+)+)\n/

/** Takes a page apart. */
export function parsePage(path: string, text: string): MarkdownPage {
  const blocks: CodeBlock[] = []
  const prose: string[] = []
  let open: { line: number; fence: string; language: string; info: string; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', language = '', info = ''] = fenceShape.exec(line) ?? []
    if (open === undefined && fence !== '') open = { line: index + 1, fence, language, info, lines: [] }
    else if (open !== undefined && line.trim() === open.fence) {
      blocks.push(toBlock(open))
      open = undefined
    } else if (open !== undefined) {
      open.lines.push(line)
    } else {
      prose.push(line.replaceAll(/(`+).*?\1/g, (code) => ' '.repeat(code.length)))
      continue
    }
    prose.push('')
  }
  return { path, blocks, prose }
}

function toBlock(open: { line: number; language: string; info: string; lines: readonly string[] }): CodeBlock {
  const { line, language, info, lines } = open
  const text = lines.map((each) => `${each}\n`).join('')
  return { line, language, info: info.trim(), text, fileName: nameShape.exec(text)?.[1] }
}

const commentShape = /\/\*\*.*?\*\//gs

/** The comments of a source as a page, line for line, so that the examples in them can be compiled too. */
export function commentsAsPage(path: string, source: string): MarkdownPage {
  const lines = source.split('\n').map(() => '')
  for (const { 0: comment, index } of source.matchAll(commentShape)) {
    const first = source.slice(0, index).split('\n').length - 1
    for (const [offset, line] of comment.split('\n').entries()) lines[first + offset] = line.replace(/^\s*\* ?/, '')
  }
  return parsePage(path, lines.join('\n'))
}
