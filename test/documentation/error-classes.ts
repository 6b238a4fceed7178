import ts from 'typescript'
import { publicPackages, type PackageSources } from '../workspace.js'

/** An error as a program that catches it sees it. */
export interface ErrorEntry {
  readonly code: string
  /** Undefined for a code that is thrown as a plain `RillflowError`. */
  readonly className: string | undefined
  /** As the class says it: always, never, or as it happens to be. */
  readonly retryable: 'yes' | 'no' | 'sometimes'
  /** What the class has beside those of every error. */
  readonly fields: readonly string[]
}

/** The errors of each public package, by its name. */
export function errorsOfPackages(): ReadonlyMap<string, readonly ErrorEntry[]> {
  const packages = publicPackages()
  const classes = packages.flatMap(sourceFiles).flatMap(classesIn)
  const byName = new Map(classes.map((one) => [one.name, one]))
  return new Map(packages.map((one) => [one.manifest.name, errorsIn(one, byName)]))
}

interface ErrorClass {
  readonly name: string
  readonly base: string
  /** The type argument of the base, where it is a literal. */
  readonly code: string | undefined
  readonly retryable: ErrorEntry['retryable']
  readonly fields: readonly string[]
}

function errorsIn(source: PackageSources, byName: ReadonlyMap<string, ErrorClass>): readonly ErrorEntry[] {
  const files = sourceFiles(source)
  const declared = files.flatMap(classesIn).filter((one) => chainOf(one, byName).at(-1)?.base === 'RillflowError')
  const coded = declared.map((one) => toEntry(chainOf(one, byName)))
  return [...coded, ...files.flatMap(plainErrors), ...files.flatMap(testingErrors)]
}

/** A class and those that it extends, up to the one that extends `RillflowError` or something else. */
function chainOf(one: ErrorClass, byName: ReadonlyMap<string, ErrorClass>): readonly ErrorClass[] {
  const base = one.base === 'RillflowError' ? undefined : byName.get(one.base)
  return base === undefined ? [one] : [one, ...chainOf(base, byName)]
}

function toEntry(chain: readonly ErrorClass[]): ErrorEntry {
  const [first] = chain
  const code = chain.find((one) => one.code !== undefined)?.code
  if (first === undefined || code === undefined) throw new Error(`The code of ${first?.name} is no literal type.`)
  const fields = chain.flatMap((one) => one.fields)
  return { code, className: first.name, retryable: first.retryable, fields }
}

function sourceFiles({ folder, files }: PackageSources): readonly ts.SourceFile[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'))
    .map(({ path, text }) => ts.createSourceFile(`${folder}/${path}`, text, ts.ScriptTarget.Latest, true))
}

function classesIn(file: ts.SourceFile): readonly ErrorClass[] {
  return file.statements.filter(ts.isClassDeclaration).flatMap((declaration) => {
    const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
    if (base === undefined) return []
    const [argument] = base.typeArguments ?? []
    return {
      name: declaration.name?.text ?? '',
      base: base.expression.getText(),
      code: literalOf(argument !== undefined && ts.isLiteralTypeNode(argument) ? argument.literal : undefined),
      retryable: retryableOf(declaration),
      fields: declaration.members.filter(ts.isPropertyDeclaration).map(({ name }) => name.getText()),
    }
  })
}

/** What the class hands to the constructor of its base. */
function retryableOf(declaration: ts.ClassDeclaration): ErrorEntry['retryable'] {
  const given = find(declaration, ts.isPropertyAssignment).find(({ name }) => name.getText() === 'retryable')
  if (given === undefined) return 'no'
  return given.initializer.kind === ts.SyntaxKind.TrueKeyword ? 'yes' : 'sometimes'
}

/** `new RillflowError(…, { code: 'Some' })`: a code without a class of its own. */
function plainErrors(file: ts.SourceFile): readonly ErrorEntry[] {
  return find(file, ts.isNewExpression)
    .filter(({ expression }) => expression.getText() === 'RillflowError')
    .map((made) => {
      const code = find(made, ts.isPropertyAssignment).find(({ name }) => name.getText() === 'code')
      const text = literalOf(code?.initializer)
      if (text === undefined) throw new Error(`${file.fileName}: the code of a plain RillflowError is no literal.`)
      return { code: text, className: undefined, retryable: 'no', fields: [] }
    })
}

/** `TestingError` has one class for all of its codes, which are a union. */
function testingErrors(file: ts.SourceFile): readonly ErrorEntry[] {
  return find(file, ts.isTypeAliasDeclaration)
    .filter(({ name }) => name.text === 'TestingErrorCode')
    .flatMap(({ type }) => find(type, ts.isLiteralTypeNode))
    .map(({ literal }) => literalOf(literal) ?? literal.getText())
    .map((code) => ({ code, className: 'TestingError', retryable: 'no', fields: [] }))
}

function literalOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}

function find<Found extends ts.Node>(root: ts.Node, wanted: (node: ts.Node) => node is Found): readonly Found[] {
  const found: Found[] = []
  const visit = (node: ts.Node): void => {
    if (wanted(node)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(root)
  return found
}
