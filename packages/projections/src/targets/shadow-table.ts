/** The name of the table that a rebuild fills, and that takes the place of the other one. */
export function shadowTable(name: string): string {
  return `${name}~rebuild`
}
