/** Packs every public package once and lets publint and attw judge the tarball: what users get, not what the folder holds. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
  .filter(({ manifest }) => !manifest.private)

// Inside the checkout: a run that is killed leaves nothing elsewhere.
const cache = join(root, 'node_modules', '.cache')
mkdirSync(cache, { recursive: true })
const tarballs = mkdtempSync(join(cache, 'packed-'))
try {
  const waiting = [...packages]
  const complaints = []
  const lane = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) complaints.push(...(await check(next)))
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  for (const complaint of complaints) console.error(complaint)
  process.exitCode = complaints.length > 0 ? 1 : 0
} finally {
  rmSync(tarballs, { recursive: true, force: true })
}

async function check({ folder, manifest }) {
  const packed = await run('pnpm', ['pack', '--json', '--pack-destination', tarballs], folder)
  if (packed.code !== 0) return [`${manifest.name}: pnpm pack failed\n${packed.output}`]
  const tarball = JSON.parse(packed.stdout).filename
  const { messages } = await publint({ pack: { tarball: toArrayBuffer(readFileSync(tarball)) }, strict: true })
  const types = await run('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'], root)
  return [
    ...messages.map((message) => `${manifest.name}: publint: ${formatMessage(message, manifest)}`),
    ...(types.code === 0 ? [] : [`${manifest.name}: attw:\n${types.output}`]),
  ]
}

function toArrayBuffer({ buffer, byteOffset, byteLength }) {
  return buffer.slice(byteOffset, byteOffset + byteLength)
}

function run(command, args, cwd) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 1) : 0, stdout, output: stdout + stderr }),
    )
  })
}
