/** Cents as people read them. Money is counted in whole cents: sums of fractions drift. */
export function euro(cents: number): string {
  return `${(cents / 100).toFixed(2)} €`
}
