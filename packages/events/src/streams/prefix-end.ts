const lastCodePoint = 0x10ffff

/**
 * The first text in byte order that lies behind every text with this prefix; undefined when there is none. UTF-8 puts
 * texts in the order of their code points, so the last one is raised.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number)
  while (points.at(-1) === lastCodePoint) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}
