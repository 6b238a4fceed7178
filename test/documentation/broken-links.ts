import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../workspace.js'
import { parsePage, type MarkdownPage } from './markdown-page.js'

const linkShape = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s*(\S+)/g

/** The links of a page that lead nowhere: to a file that is not there, or to a heading that its page does not have. */
export function brokenLinks(page: MarkdownPage): readonly string[] {
  return page.prose.flatMap((line, index) =>
    linksIn(line)
      .filter((link) => !leadsSomewhere(page.path, link))
      .map((link) => `${page.path}:${index + 1}: ${link}`),
  )
}

function linksIn(line: string): readonly string[] {
  return [...line.matchAll(linkShape)].map(([, inline, reference]) => inline ?? reference ?? '')
}

function leadsSomewhere(from: string, link: string): boolean {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return true
  const [path = '', heading] = link.split('#')
  const target = path === '' ? from : join(dirname(from), decodeURIComponent(path))
  // A link from the root of the site means something else on each site.
  if (path.startsWith('/') || target.startsWith('..') || !existsSync(join(root, target))) return false
  return heading === undefined || anchorsOf(target).has(decodeURIComponent(heading))
}

function anchorsOf(path: string): ReadonlySet<string> {
  const file = join(root, path)
  if (!path.endsWith('.md') || !statSync(file).isFile()) return new Set()
  return anchors(readFileSync(file, 'utf8'))
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchors(text: string): ReadonlySet<string> {
  // Read from the text, since a heading may hold code, which prose leaves out.
  const inCode = new Set(parsePage('', text).blocks.flatMap(({ line, text: code }) => linesOf(line, code)))
  const found = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    const heading = inCode.has(index + 1) ? undefined : /^#{1,6} +(.*)$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let anchor = slug
    for (let n = 1; found.has(anchor); n += 1) anchor = `${slug}-${n}`
    found.add(anchor)
  }
  return found
}

function linesOf(fence: number, code: string): readonly number[] {
  return Array.from({ length: code.split('\n').length - 1 }, (_, index) => fence + 1 + index)
}

function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim()
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
