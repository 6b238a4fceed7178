/** Text, or its bytes in UTF-8, in pieces cut anywhere. */
export type TextSource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>

/** Puts pieces of text together to lines, without the newlines that end them; an empty one is left out. */
export async function* splitLines(source: TextSource): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const piece of source) {
    const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
    rest += text
    // Searched in the new piece alone: a line of many pieces would be gone through again with each of them.
    if (!text.includes('\n')) continue
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (!isBlank(line)) yield line
  }
  rest += decoder.decode()
  if (!isBlank(rest)) yield rest
}

function isBlank(line: string): boolean {
  return line === '' || line === '\r'
}
