/** Lines that are alike are shown this far around a difference. */
const context = 3

/** Beyond this many pairs of lines, what differs is shown as a whole: a table of them would take seconds. */
const maxPairs = 1_000_000

/** A difference for people: `- ` before what was expected, `+ ` before what came, and two spaces before what is alike. */
export function lineDiff(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const head = commonLength(expected, actual)
  const tail = commonLength(expected.slice(head).toReversed(), actual.slice(head).toReversed())
  const lines = [
    ...expected.slice(0, head).map((line) => `  ${line}`),
    ...diffOf(expected.slice(head, expected.length - tail), actual.slice(head, actual.length - tail)),
    ...expected.slice(expected.length - tail).map((line) => `  ${line}`),
  ]
  return folded(lines)
}

function commonLength(one: readonly string[], other: readonly string[]): number {
  const different = one.findIndex((line, index) => line !== other[index])
  return different === -1 ? one.length : different
}

function diffOf(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const lengths = expected.length * actual.length > maxPairs ? [] : commonLengths(expected, actual)
  const lines: string[] = []
  let [left, right] = [0, 0]
  while (left < expected.length || right < actual.length) {
    if (left < expected.length && right < actual.length && expected[left] === actual[right]) {
      lines.push(`  ${expected[left]}`)
      left += 1
      right += 1
    } else if (left < expected.length && lengthAt(lengths, left + 1, right) >= lengthAt(lengths, left, right + 1)) {
      lines.push(`- ${expected[left]}`)
      left += 1
    } else {
      lines.push(`+ ${actual[right]}`)
      right += 1
    }
  }
  return lines
}

/** For each pair of places, how many lines the rests have in common at most: the textbook table, from the end. */
function commonLengths(expected: readonly string[], actual: readonly string[]): number[][] {
  const lengths: number[][] = [...expected.map((): number[] => []), []]
  for (let left = expected.length - 1; left >= 0; left -= 1) {
    for (let right = actual.length - 1; right >= 0; right -= 1) {
      const row = lengths[left] ?? []
      row[right] =
        expected[left] === actual[right]
          ? lengthAt(lengths, left + 1, right + 1) + 1
          : Math.max(lengthAt(lengths, left + 1, right), lengthAt(lengths, left, right + 1))
    }
  }
  return lengths
}

function lengthAt(lengths: readonly (readonly number[])[], left: number, right: number): number {
  return lengths[left]?.[right] ?? 0
}

/** Without the long stretches that are alike. */
function folded(lines: readonly string[]): readonly string[] {
  const near = lines.map(() => false)
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('  ')) continue
    near.fill(true, Math.max(0, index - context), index + context + 1)
  }
  const shown: string[] = []
  for (let index = 0; index < lines.length; index += 1) {
    const next = near.indexOf(true, index)
    const hidden = (next === -1 ? lines.length : next) - index
    // One line left out would take the place of the word for it.
    if (hidden < 2) {
      shown.push(lines[index] ?? '')
      continue
    }
    shown.push(`  … ${hidden} alike`)
    index += hidden - 1
  }
  return shown
}
