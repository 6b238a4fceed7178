/** A path into a value: property names and array indexes from the root. */
export type Path = readonly (string | number)[]

/** Writes a path as people read it: `$.lines[2].price`; long ones, and long keys, are cut. */
export function formatPath(path: Path): string {
  const shown = path.slice(0, 12).map((segment) => {
    if (typeof segment === 'number') return `[${segment}]`
    return /^[A-Za-z_$][\w$]{0,40}$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment.slice(0, 40))}]`
  })
  return `$${shown.join('')}${path.length > 12 ? '…' : ''}`
}
