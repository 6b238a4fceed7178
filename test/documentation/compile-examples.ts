import { dirname, join } from 'node:path'
import ts from 'typescript'
import { root } from '../workspace.js'
import type { ExampleFile } from './example-files.js'

/** What the compiler has against the examples, as `page:line: message`; the sources are taken for what they are. */
export function compileExamples(examples: readonly ExampleFile[]): readonly string[] {
  const options = compilerOptions()
  const byFile = new Map(examples.map((example) => [example.file, example]))
  const program = ts.createProgram({
    rootNames: [...byFile.keys(), join(root, 'packages/events/src/sql-files.d.ts')],
    options,
    host: hostWith(byFile, options),
  })
  return examples.flatMap((example) => {
    const source = program.getSourceFile(example.file)
    if (source === undefined) return [`${example.place}: was not compiled`]
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map((diagnostic) => describe(example, diagnostic))
  })
}

/** What is no TypeScript at all, whatever it means. */
export function syntaxErrors({ file, text, place }: ExampleFile): readonly string[] {
  const { diagnostics = [] } = ts.transpileModule(text, { fileName: file, reportDiagnostics: true })
  return diagnostics.map((diagnostic) => describe({ file, text, place }, diagnostic))
}

/** Those of the root tsconfig, with its mapping from packages to sources. */
function compilerOptions(): ts.CompilerOptions {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    readonly config: object
    readonly error?: ts.Diagnostic
  }
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['x.ts'] }, ts.sys, root)
  // An example shows one thing, and what it declares for that need not be used further. Each stands for a module.
  return {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
  }
}

/** Reads the examples as if they were on disk. */
function hostWith(examples: ReadonlyMap<string, ExampleFile>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options, true)
  const folders = new Set([...examples.keys()].map((file) => dirname(file)))
  const readFile = host.readFile.bind(host)
  const fileExists = host.fileExists.bind(host)
  const folderExists = host.directoryExists?.bind(host)
  host.readFile = (file) => examples.get(file)?.text ?? readFile(file)
  host.fileExists = (file) => examples.has(file) || fileExists(file)
  host.directoryExists = (folder) => folders.has(folder) || (folderExists?.(folder) ?? true)
  return host
}

function describe({ text, place }: ExampleFile, { start = 0, messageText }: ts.Diagnostic): string {
  const line = text.slice(0, start).split('\n').length
  return `${place}, line ${line} of it: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
}
