/** Each way round in a graph, as `a → b → a`, told once from where it is entered first. */
export function cycles(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (name: string, path: readonly string[]): void => {
    const start = path.indexOf(name)
    if (start >= 0) found.push([...path.slice(start), name].join(' → '))
    if (start >= 0 || done.has(name)) return
    for (const next of arrows.get(name) ?? []) walk(next, [...path, name])
    done.add(name)
  }
  for (const name of arrows.keys()) walk(name, [])
  return found
}
