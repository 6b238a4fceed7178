import { createHash } from 'node:crypto'
import { ident, InvalidConfigError, type DeclaredIndex } from '@rillflow/core'
import { checksum } from './checksum.js'

/** An index that the code declares, with what is derived from its definition. */
export interface WantedIndex extends DeclaredIndex {
  readonly table: string
  /** Stands in the comment of an index that was built from this definition. */
  readonly mark: string
  /** The name under which a replacement is built while another index has the name. */
  readonly spare: string
}

/** What makes a comment of an index ours. */
export const markPrefix = 'rillflow:'

const tableOf = /^\s*on\s+:"schema"\.(?:"((?:[^"]|"")+)"|([a-z_][\w$]*))/i

/** @throws InvalidConfig when the definition does not begin with the table; InvalidIdentifier for a name that is too long. */
export function wantedIndex(index: DeclaredIndex): WantedIndex {
  ident(index.name)
  const [, quoted, plain] = tableOf.exec(index.definition) ?? []
  const table = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase()
  if (table === undefined) {
    throw new InvalidConfigError(
      `The definition of the index ${JSON.stringify(index.name)} must begin with its table: on :"schema".<table> ….`,
    )
  }
  const hash = createHash('sha256').update(index.name).digest('hex').slice(0, 16)
  return { ...index, table, mark: markPrefix + definitionHash(index), spare: `rf_spare_${hash}` }
}

/** Puts the mark into a comment and keeps what people wrote there. */
export function withMark(comment: string | undefined, mark: string): string {
  const kept = (comment ?? '').replace(/rillflow:[0-9a-f]{16}/, '').trim()
  return kept === '' ? mark : `${kept} ${mark}`
}

/** Of the template, so that a definition has one mark in every schema. */
function definitionHash({ unique, definition }: DeclaredIndex): string {
  return checksum(`${unique} ${definition}`).slice(0, 16)
}
