/** Quotes text as an SQL string constant, for the places of DDL that take no parameter. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  // With a backslash the plain form depends on standard_conforming_strings; the E form never does.
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
