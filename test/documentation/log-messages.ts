import { publicPackages } from '../workspace.js'

const callShape = /logger\.(?:debug|info|warn|error)\(\s*\{[^}]*\},\s*'([^']+)'/g

/** What the packages log in words that are always the same. */
export function logMessages(): readonly string[] {
  const files = publicPackages().flatMap((each) => each.files.filter(({ path }) => path.startsWith('src/')))
  return files.flatMap(({ text }) => [...text.matchAll(callShape)].map(([, message = '']) => message))
}
