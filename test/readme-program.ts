import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root } from './workspace.js'

/**
 * The complete program of the root README: the first `ts` block after the comment `<!-- program -->`.
 *
 * @throws when the README has none.
 */
export function readmeProgram(): string {
  const [, program] = /<!-- program -->\s*```ts\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  if (program === undefined) throw new Error('README.md has no ```ts block after a line <!-- program -->.')
  return program
}

/** The same program for CommonJS, which has no top-level await: the imports stay, the rest goes into a function. */
export function insideFunction(program: string): string {
  const { statements } = ts.createSourceFile('program.ts', program, ts.ScriptTarget.Latest)
  const text = (wanted: boolean): string =>
    statements
      .filter((statement) => ts.isImportDeclaration(statement) === wanted)
      .map((statement) => program.slice(statement.pos, statement.end))
      .join('')
  return `${text(true)}\nasync function main(): Promise<void> {${text(false)}\n}\nvoid main()\n`
}
