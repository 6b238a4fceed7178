import { InvalidArgumentError } from '@rillflow/core'

/** The configurations that every PostgreSQL from 14 on brings; only these get into SQL. */
const languages = [
  'simple',
  'arabic',
  'armenian',
  'basque',
  'catalan',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hindi',
  'hungarian',
  'indonesian',
  'irish',
  'italian',
  'lithuanian',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'serbian',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
  'yiddish',
] as const

/** How words are taken from text: `simple` as they are, the others by their stems. */
export type TextSearchLanguage = (typeof languages)[number]

/**
 * The language as a constant of SQL.
 *
 * @throws InvalidArgument for one that is not in the list.
 */
export function regconfig(language: TextSearchLanguage): string {
  if (languages.includes(language)) return `'pg_catalog.${language}'::regconfig`
  throw new InvalidArgumentError('language', `The language must be one of ${languages.join(', ')}.`)
}
