/** A text[] as PostgreSQL writes it; not left to the driver, whose arrays differ from one to the next. */
export function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`
}
