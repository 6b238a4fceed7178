import { ident, literal } from '@rillflow/core'

/** Letters that PostgreSQL allows in a name without quotes. */
const letter = 'A-Za-z_\\u0080-\\uffff'

/**
 * The next token, as far as quoting goes. A doubled quote needs no rule: it reads as the end of one string and the start
 * of the next. Names come whole, so that the `e` of `name'…'` or a `$` inside a name starts nothing, and so does `::`.
 */
const token = new RegExp(
  [
    /--[^\r\n]*/.source,
    /\/\*/.source,
    /[eE]'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'?/.source,
    /'[^']*'?/.source,
    /"[^"]*"?/.source,
    `[${letter}][\\w$\\u0080-\\uffff]*`,
    `\\$(?:[${letter}][\\w\\u0080-\\uffff]*)?\\$`,
    /::/.source,
    /:"schema"/.source,
    /:'schema'/.source,
  ].join('|'),
  'g',
)

/**
 * Puts the schema's name into the text of a migration: `:"schema"` becomes the quoted identifier and `:'schema'` the
 * string constant, as in psql.
 *
 * - Left alone, as psql does: what stands in `'strings'`, `E'strings'`, `"identifiers"`, `-- comments` and block
 *   comments, and the cast `::"schema"`. A cast to a type of the schema is written `:::"schema".kind`.
 * - Unlike psql, the text between dollar quotes is code, the body of a function, and follows the same rules inside; a
 *   statement that it builds as a string takes the name through `format('… %I …', :'schema')`. Text that is data, and
 *   must stay as it is, belongs in plain quotes.
 * - A name that would end the dollar quotes around it makes them take another tag.
 *
 * Plain strings are read as with `standard_conforming_strings = on`, PostgreSQL's default.
 *
 * @throws InvalidIdentifier when `schema` cannot be a schema's name.
 *
 * @example
 * ```ts
 * import { renderSql } from '@rillflow/schema'
 *
 * renderSql('create table :"schema".notes (body text)', 'my app') // 'create table "my app".notes (body text)'
 * ```
 */
export function renderSql(sql: string, schema: string): string {
  return render(sql, { identifier: ident(schema), constant: literal(schema) })
}

interface SchemaName {
  readonly identifier: string
  readonly constant: string
}

function render(sql: string, name: SchemaName): string {
  let rendered = ''
  let copied = 0
  for (let match = nextToken(sql, 0); match !== undefined; match = nextToken(sql, match.end)) {
    rendered += sql.slice(copied, match.start) + replacement(match.text, name)
    copied = match.end
  }
  return rendered + sql.slice(copied)
}

interface Token {
  readonly text: string
  readonly start: number
  readonly end: number
}

function nextToken(sql: string, from: number): Token | undefined {
  // Set each time: the texts inside dollar quotes are read by the same expression, in between.
  token.lastIndex = from
  const match = token.exec(sql)
  if (match === null) return undefined
  const [opening] = match
  const start = match.index
  const end = endOf(sql, opening, start)
  return { text: sql.slice(start, end), start, end }
}

function endOf(sql: string, opening: string, start: number): number {
  const inside = start + opening.length
  if (opening === '/*') return endOfComment(sql, inside)
  if (!opening.startsWith('$')) return inside
  const closing = sql.indexOf(opening, inside)
  return closing === -1 ? sql.length : closing + opening.length
}

/** Block comments nest in PostgreSQL. */
function endOfComment(sql: string, inside: number): number {
  const bounds = /\/\*|\*\//g
  bounds.lastIndex = inside
  let depth = 1
  for (let bound = bounds.exec(sql); bound !== null; bound = bounds.exec(sql)) {
    depth += bound[0] === '/*' ? 1 : -1
    if (depth === 0) return bounds.lastIndex
  }
  return sql.length
}

function replacement(text: string, name: SchemaName): string {
  if (text === ':"schema"') return name.identifier
  if (text === ":'schema'") return name.constant
  return text.startsWith('$') ? renderBody(text, name) : text
}

function renderBody(quoted: string, name: SchemaName): string {
  const opening = quoted.slice(0, quoted.indexOf('$', 1) + 1)
  // Without its end the text is not SQL; the server says so better than a guess here would.
  if (quoted.length < 2 * opening.length || !quoted.endsWith(opening)) return quoted
  const body = render(quoted.slice(opening.length, -opening.length), name)
  const tag = freeTag(opening, body)
  return `${tag}${body}${tag}`
}

function freeTag(tag: string, body: string): string {
  let free = tag
  for (let count = 1; body.includes(free); count += 1) free = `$body_${count}$`
  return free
}
