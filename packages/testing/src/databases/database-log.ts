import { readFile } from 'node:fs/promises'

/** The entries of a server's log that are about one database; the second part of the line prefix names it. */
export async function databaseLog(logFile: string, database: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8')).split('\n')
  return entriesOf(lines, database).join('\n')
}

/** Picks the entries of a database; a line that starts with a tab goes on with the entry above it. */
export function entriesOf(lines: readonly string[], database: string): string[] {
  let mine = false
  return lines.filter((line) => {
    if (!line.startsWith('\t')) mine = line.includes(`] ${database} `)
    return mine
  })
}
